// A plane with edges, a texture and smooth parts, and the same plane with noise.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/block_matching/block_matching.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {

inline std::vector<float> scene(PlaneSize size) {
  std::vector<float> plane;
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x) {
      const double disc = std::hypot(y - 0.4 * size.height, x - 0.5 * size.width) < 0.3 * size.width ? 80 : 0;
      const double stripes = y > 0.7 * size.height ? 30 * std::sin(x * 0.9) : 0;
      plane.push_back(static_cast<float>(60 + 0.5 * x + disc + stripes));
    }
  return plane;
}

/// Gaussian noise.
inline std::vector<float> with_noise(std::vector<float> plane, double sigma, std::uint64_t seed) {
  for (std::size_t i = 0; i < plane.size(); i += 2) {
    const double radius =
        sigma *
        std::sqrt(-2 * std::log(1 - double{random_uniform({seed, Purpose::test}, static_cast<std::uint32_t>(i))}));
    const double angle =
        6.283185307179586 * double{random_uniform({seed, Purpose::test}, static_cast<std::uint32_t>(i + 1))};
    plane[i] += static_cast<float>(radius * std::cos(angle));
    if (i + 1 < plane.size()) plane[i + 1] += static_cast<float>(radius * std::sin(angle));
  }
  return plane;
}

/// A plane with the memory that block matching may read beyond its end.
struct SlackPlane {
  SlackPlane(const std::vector<float>& plane, PlaneSize size)
      : values(plane), view{nullptr, size.height, size.width, size.width} {
    values.resize(plane.size() + kPlaneSlack);
    view.data = values.data();
  }
  std::vector<float> values;
  PlaneView view;
};

}  // namespace n2s::test
