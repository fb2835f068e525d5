// Stacks whose scene and noise are known, for tests of what is measured in them.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <utility>
#include <vector>

#include "data/planes_to_read.h"
#include "kernels/base/philox.h"
#include "tests/sanitized.h"

namespace n2s::test {

struct StackSize {
  int planes = 24, height = 128, width = 136;
};

/// A standard normal number for each index.
class Normal {
 public:
  explicit Normal(std::uint32_t seed) : key_{seed, Purpose::test, 0, 0, 0} {}
  float operator()(std::size_t index) const {
    RandomKey key = key_;
    key.item = static_cast<std::uint32_t>(index >> 24U);
    const auto at = static_cast<std::uint32_t>(index & 0xFFFFFFU);
    const double u = random_uniform(key, 2 * at) + 1e-9;
    return static_cast<float>(std::sqrt(-2 * std::log(u)) *
                              std::cos(2 * std::numbers::pi * random_uniform(key, 2 * at + 1)));
  }

 private:
  RandomKey key_;
};

/// 1, 2, ... `count`; under sanitizers, which are slow and look for something else, 1 alone.
inline std::vector<std::uint32_t> seeds(std::uint32_t count) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t seed = 1; seed <= (kSanitized ? 1 : count); ++seed) all.push_back(seed);
  return all;
}

/// Sums of waves from 500 to 1500, at least 25 pixels long in a plane; `change` radians from plane to plane at most.
inline Stack smooth_scene(const StackSize& size, double change, std::uint32_t seed) {
  constexpr int kWaves = 8;
  const auto drawn = [&](std::uint32_t wave, std::uint32_t what) {
    return random_uniform({seed, Purpose::test, 1, wave, 0}, what) - 0.5;
  };
  Stack stack{size.planes, size.height, size.width, {}};
  for (int z = 0; z < size.planes; ++z)
    for (int y = 0; y < size.height; ++y)
      for (int x = 0; x < size.width; ++x) {
        double sum = 0;
        for (std::uint32_t wave = 0; wave < kWaves; ++wave)
          sum += std::cos(0.35 * drawn(wave, 0) * y + 0.35 * drawn(wave, 1) * x + 2 * change * drawn(wave, 2) * z +
                          20 * drawn(wave, 3));
        stack.voxels.push_back(static_cast<float>(1000 + 500 * sum / kWaves));
      }
  return stack;
}

/// Calls noise(plane, row, column, value) for what is to be added to each voxel.
inline Stack with_noise(Stack stack, const std::function<double(int, int, int, float)>& noise) {
  std::size_t i = 0;
  for (int z = 0; z < stack.planes; ++z)
    for (int y = 0; y < stack.height; ++y)
      for (int x = 0; x < stack.width; ++x, ++i) stack.voxels[i] += static_cast<float>(noise(z, y, x, stack.voxels[i]));
  return stack;
}

inline Stack with_white_noise(Stack stack, double deviation, std::uint32_t seed) {
  const Normal normal(seed);
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) stack.voxels[i] += static_cast<float>(deviation * normal(i));
  return stack;
}

/// The stack must live as long as the result.
inline PlanesToRead planes_of(const Stack& stack) {
  return {"simulated", Stack{stack.planes, stack.height, stack.width, {}}, Image{}, [&stack](int first, int count) {
            Stack part{count, stack.height, stack.width, {}};
            for (int i = 0; i < count; ++i) {
              const auto plane = plane_of(stack, first + i);
              part.voxels.insert(part.voxels.end(), plane.begin(), plane.end());
            }
            return part;
          }};
}

}  // namespace n2s::test
