// Converts computed values to the sample types that files store.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

namespace n2s {

/// The nearest float; infinity beyond the largest. Narrowing a double there is undefined in C++ without IEC 559, and
/// UBSan reports it.
inline float nearest_float(double value) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr double kEnd = kLargest * (1 + 0x1p-25);  // from here on the nearest would be 2^128
  if (value > kLargest) return value < kEnd ? kLargest : std::numeric_limits<float>::infinity();
  if (value < -kLargest) return value > -kEnd ? -kLargest : -std::numeric_limits<float>::infinity();
  return static_cast<float>(value);
}

/// Integers: rounded to nearest, half away from zero, clamped to the range; NaN gives 0. T is a sample type: an integer
/// of 8 to 64 bits, float or double.
template <class T>
T sample_of(double value) {
  if constexpr (std::is_same_v<T, float>) {
    return nearest_float(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    // 2^63 and 2^64 are not reachable by int64 and uint64, so the comparisons are with >= and <=.
    constexpr T kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
    if (value != value) return 0;
    const double rounded = std::round(value);
    if (rounded <= static_cast<double>(kLow)) return kLow;
    if (rounded >= static_cast<double>(kHigh)) return kHigh;
    return static_cast<T>(rounded);
  }
}

}  // namespace n2s
