// Percentiles as numpy's default has them: linear interpolation between two neighbours of the sorted values. Which two,
// and how, is the same wherever they are found.
#pragma once

#include <algorithm>
#include <cstddef>

namespace n2s {

/// Between which of the sorted values a percentile lies.
struct PercentilePosition {
  std::size_t below = 0;  // counted from 0; the other one is the next, if there is one
  double part = 0;        // of the way to that, in [0, 1)
};

/// Of `count` values, at least one; `percent` from 0 to 100.
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
