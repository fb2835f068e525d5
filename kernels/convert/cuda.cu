// Conversion between dense fp32 tensors and the padded layout of device tensors: one element per thread.
#include "kernels/convert/cuda.h"

#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"

namespace n2s::device {
namespace {

template <typename T>
__global__ void pad_kernel(const float* dense, T* padded, std::size_t count, int channels, int stored) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const int channel = static_cast<int>(i % stored);
  padded[i] = from_float<T>(channel < channels ? dense[i / stored * channels + channel] : 0.0F);
}

template <typename T>
__global__ void strip_kernel(const T* padded, float* dense, std::size_t count, int channels, int stored) {
  const std::size_t i = grid_index();
  if (i < count) dense[i] = to_float(padded[i / channels * stored + i % channels]);
}

}  // namespace

void pad_channels(const float* dense, const DeviceTensor& padded, Precision precision, cudaStream_t stream) {
  const std::size_t count = elements_of(padded.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("padding channels", pad_kernel<T>, grid_for(count, stream), dense, static_cast<T*>(padded.data), count,
           padded.shape.channels, padded_channels(padded.shape.channels));
  });
}

void strip_channels(const DeviceTensor& padded, Precision precision, float* dense, cudaStream_t stream) {
  const auto count = static_cast<std::size_t>(padded.shape.elements());
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("removing padding", strip_kernel<T>, grid_for(count, stream), static_cast<const T*>(padded.data), dense,
           count, padded.shape.channels, padded_channels(padded.shape.channels));
  });
}

}  // namespace n2s::device
