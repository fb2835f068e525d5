// Device memory for tests: filled from and read back to fp32 host tensors, in any precision.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "kernels/convert/cuda.h"
#include "kernels/device/check.h"
#include "kernels/device/tensor.h"

namespace n2s::test {

using device::check;
using device::DeviceTensor;
using device::Precision;

template <typename T>
CudaArray<T> to_device(std::span<const T> host) {
  CudaArray<T> memory = cuda_array<T>(host.size());
  check(cudaMemcpy(memory.get(), host.data(), host.size_bytes(), cudaMemcpyHostToDevice), "upload");
  return memory;
}

template <typename T>
std::vector<T> to_host(const T* device, std::size_t count) {
  std::vector<T> host(count);
  check(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost), "download");
  return host;
}

/// A tensor in device memory, copied from and to the host; no channels: not there.
class DeviceCopy {
 public:
  DeviceCopy() = default;
  /// Uninitialised (NaN, padding too).
  DeviceCopy(const Shape& shape, Precision precision) : shape_(shape), precision_(precision) {
    if (shape.channels > 0)
      memory_ = cuda_array<std::byte>(device::elements_of(shape) * device::element_bytes(precision));
    if (!memory_) return;
    check(cudaMemset(memory_.get(), 0xFF, device::elements_of(shape) * device::element_bytes(precision)), "fill");
    check(cudaDeviceSynchronize(), "fill");  // work in other streams does not wait for it
  }
  DeviceCopy(const Shape& shape, Precision precision, std::span<const float> values) : DeviceCopy(shape, precision) {
    if (!memory_) return;
    const CudaArray<float> dense = to_device(values);
    device::pad_channels(dense.get(), tensor(), precision, nullptr);
    check(cudaDeviceSynchronize(), "padding");
  }

  DeviceTensor tensor() const { return device::device_tensor(memory_.get(), shape_, precision_); }
  std::vector<float> values() const {
    const auto count = static_cast<std::size_t>(shape_.elements());
    const CudaArray<float> dense = cuda_array<float>(count);
    device::strip_channels(tensor(), precision_, dense.get(), nullptr);
    return to_host(dense.get(), count);
  }
  /// Whether every padding channel is 0.
  bool padding_is_zero() const {
    if (!memory_) return true;
    const std::size_t stored = static_cast<std::size_t>(device::padded_channels(shape_.channels));
    Shape whole = shape_;
    whole.channels = static_cast<int>(stored);
    const CudaArray<float> dense = cuda_array<float>(device::elements_of(shape_));
    device::strip_channels(device::device_tensor(memory_.get(), whole, precision_), precision_, dense.get(), nullptr);
    const std::vector<float> all = to_host(dense.get(), device::elements_of(shape_));
    for (std::size_t i = 0; i < all.size(); ++i)
      if (i % stored >= static_cast<std::size_t>(shape_.channels) && all[i] != 0) return false;
    return true;
  }

 private:
  Shape shape_;
  Precision precision_ = Precision::fp32;
  CudaArray<std::byte> memory_;
};

/// Two bits for each element, eight channels in a word.
inline std::vector<std::uint16_t> pack_positions(const Shape& shape, const std::uint8_t* positions) {
  std::vector<std::uint16_t> words(device::argmax_bytes(shape) / 2);
  const int groups = device::padded_channels(shape.channels) / 8;
  for (std::ptrdiff_t pixel = 0; pixel < shape.pixels(); ++pixel)
    for (int c = 0; c < shape.channels; ++c)
      words[static_cast<std::size_t>(pixel * groups + c / 8)] |=
          static_cast<std::uint16_t>(positions[pixel * shape.channels + c] << (2 * (c % 8)));
  return words;
}

inline std::vector<std::uint8_t> unpack_positions(const Shape& shape, const std::vector<std::uint16_t>& words) {
  std::vector<std::uint8_t> positions;
  const int groups = device::padded_channels(shape.channels) / 8;
  for (std::ptrdiff_t pixel = 0; pixel < shape.pixels(); ++pixel)
    for (int c = 0; c < shape.channels; ++c)
      positions.push_back(
          static_cast<std::uint8_t>(words[static_cast<std::size_t>(pixel * groups + c / 8)] >> (2 * (c % 8)) & 3));
  return positions;
}

/// The nearest value that a precision can store.
inline float rounded(float value, Precision precision) {
  if (precision == Precision::fp16) return __half2float(__float2half_rn(value));
  if (precision == Precision::bf16) return __bfloat162float(__float2bfloat16_rn(value));
  return value;
}

}  // namespace n2s::test
