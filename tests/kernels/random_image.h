// Inputs for kernel tests, from the project's own generator: the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/base/philox.h"

namespace n2s::test {

/// Of a plane, in pixels.
struct PlaneSize {
  int height, width;
  std::size_t pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
};

/// `count` values in [-1, 1).
inline std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = 2 * random_uniform({seed, Purpose::test}, static_cast<std::uint32_t>(i)) - 1;
  return values;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& values) {
  return std::vector<To>(values.begin(), values.end());
}

}  // namespace n2s::test
