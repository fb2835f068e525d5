// Between the bytes of a file and float values, for every sample type and both byte orders. Used by all formats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "data/half.h"
#include "data/image.h"

namespace n2s {

/// value = stored * slope + intercept, computed in double.
struct Scaling {
  double slope = 1, intercept = 0;
  bool is_identity() const { return slope == 1 && intercept == 0; }
};

/// Calls call(std::type_identity<T>{}) with the C++ type of `type`.
template <class Call>
decltype(auto) with_sample_type(SampleType type, Call&& call) {
  switch (type) {
    case SampleType::uint8:
      return call(std::type_identity<std::uint8_t>{});
    case SampleType::int8:
      return call(std::type_identity<std::int8_t>{});
    case SampleType::uint16:
      return call(std::type_identity<std::uint16_t>{});
    case SampleType::int16:
      return call(std::type_identity<std::int16_t>{});
    case SampleType::uint32:
      return call(std::type_identity<std::uint32_t>{});
    case SampleType::int32:
      return call(std::type_identity<std::int32_t>{});
    case SampleType::uint64:
      return call(std::type_identity<std::uint64_t>{});
    case SampleType::int64:
      return call(std::type_identity<std::int64_t>{});
    case SampleType::float16:
      return call(std::type_identity<Half>{});
    case SampleType::float64:
      return call(std::type_identity<double>{});
    case SampleType::float32:
      break;
  }
  return call(std::type_identity<float>{});
}

/// Lowest and highest of an integer type.
std::array<double, 2> integer_range(SampleType type);

/// `stored` holds values.size() samples (any alignment). Only `swapped` samples have their bytes reversed.
void decode_samples(std::span<const std::byte> stored, SampleType type, bool swapped, Scaling scaling,
                    std::span<float> values);

/// The inverse. Integers: rounded to nearest, half away from zero, clamped to the range; NaN gives 0.
void encode_samples(std::span<const float> values, SampleType type, bool swapped, Scaling scaling,
                    std::span<std::byte> stored);

}  // namespace n2s
