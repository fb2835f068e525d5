// Tensors in device memory: NHWC as everywhere, with channels padded to multiples of eight, so that every pixel begins
// at a 16-byte boundary. The padding is zero: kernels keep it so and rely on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/base/tensor.h"

namespace n2s::device {

/// Number format of stored tensors and of products; sums are always in fp32.
enum class Precision {
  fp32,  // any GPU
  tf32,  // stored as fp32, multiplied with 10 bits of mantissa: sm_80 and up
  fp16,  // sm_70 and up
  bf16,  // sm_80 and up
};

inline constexpr std::array kPrecisionNames{"fp32", "tf32", "fp16", "bf16"};

inline const char* name_of(Precision precision) {
  return kPrecisionNames.at(static_cast<std::size_t>(precision));
}

inline std::size_t element_bytes(Precision precision) {
  return precision == Precision::fp32 || precision == Precision::tf32 ? 4 : 2;
}

inline constexpr int kChannelMultiple = 8;

/// Stored channels per pixel.
inline constexpr int padded_channels(int channels) {
  return (channels + kChannelMultiple - 1) / kChannelMultiple * kChannelMultiple;
}

/// How a precision is stored.
inline constexpr Element element_of(Precision precision) {
  if (precision == Precision::fp16) return Element::fp16;
  return precision == Precision::bf16 ? Element::bf16 : Element::fp32;
}

/// A view of a tensor in device memory; the shape does not count the padding.
using DeviceTensor = TensorView;

inline DeviceTensor device_tensor(void* data, const Shape& shape, Precision precision) {
  return {data, shape, element_of(precision), padded_channels(shape.channels)};
}

/// A view of the positions of maxima for a tensor of this shape.
inline DeviceTensor device_positions(std::uint16_t* data, const Shape& shape) {
  return {data, shape, Element::index2, padded_channels(shape.channels)};
}

inline std::size_t elements_of(const Shape& shape) {
  return static_cast<std::size_t>(shape.pixels()) * static_cast<std::size_t>(padded_channels(shape.channels));
}

/// Positions in 2x2 windows, two bits each: a 16-bit word for eight channels, the first in the lowest bits.
inline std::size_t argmax_bytes(const Shape& shape) {
  return elements_of(shape) / 4;
}

}  // namespace n2s::device
