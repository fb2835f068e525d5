// The images of make_metric_fixtures.py, rebuilt: integers over powers of two, so that no rounding differs.
#pragma once

#include <cstdint>
#include <vector>

#include "data/metrics.h"

inline std::vector<int> hashed(int count, int seed) {
  std::vector<int> values;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); ++i) {
    std::uint32_t h = i * 2654435761U + static_cast<std::uint32_t>(seed) * 40503U;
    h ^= h >> 15;
    h *= 2246822519U;
    h ^= h >> 13;
    values.push_back(static_cast<int>(h & 1023U));
  }
  return values;
}

struct ImagePair {
  std::vector<float> result, truth;
};

inline ImagePair metric_images(int height, int width, int seed) {
  const std::vector<int> noise = hashed(height * width, seed);
  ImagePair pair;
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      const int whole = (row * 37 + column * 11) % 1024 + ((row / 5 + column / 9) % 2) * 400 - 712;
      const int shift =
          noise[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)] -
          512 + 256;
      pair.truth.push_back(static_cast<float>(whole) / 1024.0F);
      pair.result.push_back(static_cast<float>(whole * 3 + shift) / 4096.0F);
    }
  }
  return pair;
}

/// Every way to measure them.
inline std::vector<n2s::MetricOptions> all_metric_options() {
  n2s::MetricOptions clamped, affine, both;
  clamped.clamp = true;
  affine.affine = true;
  affine.data_range = 2.5;
  both.affine = both.clamp = true;
  both.clamp_low = -0.2;
  both.clamp_high = 0.3;
  return {n2s::MetricOptions{}, clamped, affine, both};
}
