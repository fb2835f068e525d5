// See samples.h.
#include "data/samples.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "kernels/base/sample_cast.h"

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

}  // namespace

std::array<double, 2> integer_range(SampleType type) {
  return with_sample_type(type, []<class T>(std::type_identity<T>) -> std::array<double, 2> {
    if constexpr (std::is_integral_v<T>)
      return {static_cast<double>(std::numeric_limits<T>::min()), static_cast<double>(std::numeric_limits<T>::max())};
    return {};
  });
}

void decode_samples(std::span<const std::byte> stored, SampleType type, bool swapped, Scaling scaling,
                    std::span<float> values) {
  with_sample_type(type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto sample = [&] {
        const T loaded = load<T>(stored.data() + i * sizeof(T), swapped);
        if constexpr (std::is_same_v<T, Half>)
          return float_of(loaded);
        else
          return loaded;
      }();
      if constexpr (std::is_same_v<T, double>) {
        values[i] = nearest_float(sample * scaling.slope + scaling.intercept);
      } else {
        values[i] = scaling.is_identity()
                        ? static_cast<float>(sample)
                        : nearest_float(static_cast<double>(sample) * scaling.slope + scaling.intercept);
      }
    }
  });
}

void encode_samples(std::span<const float> values, SampleType type, bool swapped, Scaling scaling,
                    std::span<std::byte> stored) {
  with_sample_type(type, [&]<class T>(std::type_identity<T>) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = (static_cast<double>(values[i]) - scaling.intercept) / scaling.slope;
      std::byte* to = stored.data() + i * sizeof(T);
      if constexpr (std::is_same_v<T, Half>)
        store(half_of(value), to, swapped);
      else
        store(sample_of<T>(value), to, swapped);
    }
  });
}

}  // namespace n2s
