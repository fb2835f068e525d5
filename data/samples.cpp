// See samples.h.
#include "data/samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace n2s {
namespace {

template <class T>
T load(const std::byte* from, bool swapped) {
  std::array<std::byte, sizeof(T)> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled on the next line
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swapped) std::reverse(bytes.begin(), bytes.end());
  T value;  // NOLINT(cppcoreguidelines-init-variables)
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <class T>
void store(T value, std::byte* to, bool swapped) {
  std::memcpy(to, &value, sizeof(T));
  if (swapped) std::reverse(to, to + sizeof(T));
}

// Narrowing a double beyond float's range is undefined in C++ without IEC 559, and UBSan reports it.
float to_float(double value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (value > kLargest && value < kLargest * (1 + 0x1p-25)) return std::numeric_limits<float>::max();
  if (value > kLargest) return std::numeric_limits<float>::infinity();
  if (value < -kLargest) return -to_float(-value);
  return static_cast<float>(value);
}

template <class T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, float>) {
    return to_float(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return value;
  } else {
    // 2^63 and 2^64 are not reachable by int64 and uint64, so the comparisons are with >= and <=.
    constexpr T kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
    if (std::isnan(value)) return 0;
    const double rounded = std::round(value);
    if (rounded <= static_cast<double>(kLow)) return kLow;
    if (rounded >= static_cast<double>(kHigh)) return kHigh;
    return static_cast<T>(rounded);
  }
}

}  // namespace

void decode_samples(std::span<const std::byte> stored, SampleType type, bool swapped, Scaling scaling,
                    std::span<float> values) {
  with_sample_type(type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T sample = load<T>(stored.data() + i * sizeof(T), swapped);
      if constexpr (std::is_same_v<T, double>) {
        values[i] = to_float(sample * scaling.slope + scaling.intercept);
      } else {
        values[i] = scaling.is_identity() ? static_cast<float>(sample)
                                          : to_float(static_cast<double>(sample) * scaling.slope + scaling.intercept);
      }
    }
  });
}

void encode_samples(std::span<const float> values, SampleType type, bool swapped, Scaling scaling,
                    std::span<std::byte> stored) {
  with_sample_type(type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = (static_cast<double>(values[i]) - scaling.intercept) / scaling.slope;
      store(from_double<T>(value), stored.data() + i * sizeof(T), swapped);
    }
  });
}

}  // namespace n2s
