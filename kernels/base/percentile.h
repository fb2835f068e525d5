// Percentiles by numpy's default rule: linear interpolation between two neighbours of the sorted values. CPU and GPU
// find these two in different ways and share the rule.
#pragma once

#include <algorithm>
#include <cstddef>

namespace n2s {

/// Position of a percentile among the sorted values.
struct PercentilePosition {
  std::size_t below = 0;  // rank of the lower neighbour, from 0; the upper one is the next, if any
  double part = 0;        // of the distance to the upper neighbour, in [0, 1)
};

/// `count` is at least 1; `percent` is from 0 to 100.
inline PercentilePosition percentile_position(std::size_t count, double percent) {
  const double position = percent / 100 * static_cast<double>(count - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(position), count - 1);
  return {below, position - static_cast<double>(below)};
}

/// numpy interpolates from the nearer end, so that both ends come out exactly.
inline double between(double low, double high, double part) {
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

}  // namespace n2s
