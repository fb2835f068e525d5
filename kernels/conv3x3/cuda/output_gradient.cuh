// The output gradient as the kernels of data and weight gradient read it: at full resolution, through a pooled output,
// or the sum of both.
#pragma once

#include <cstdint>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cuda/tile_loop.cuh"
#include "kernels/device/element.h"

namespace n2s::device {

/// value += pooled in the channels whose maximum was at this position of the window; two bits of `positions` per
/// channel.
template <typename T>
__device__ __forceinline__ void add_unpooled(Vector<T>& value, const Vector<T>& pooled, unsigned positions,
                                             unsigned here) {
#pragma unroll
  for (int i = 0; i < kVector<T>; ++i)
    if (((positions >> (2 * i)) & 3U) == here) value[i] = from_float<T>(to_float(value[i]) + to_float(pooled[i]));
}

/// Dense or pooled may be null, not both. Of the whole batch, or of one image.
template <typename T>
struct OutputGradient {
  const T* dense = nullptr;
  const T* pooled = nullptr;  // half the resolution
  const std::uint16_t* argmax = nullptr;
  int height = 0, width = 0, channels = 0;  // channels as stored
  static constexpr bool kAsynchronous = false;

  /// Of one image, where there is a pooled part.
  __device__ __forceinline__ OutputGradient of_image(std::size_t image) const {
    const std::size_t pixels = static_cast<std::size_t>(height) * width * channels;
    const std::size_t windows = static_cast<std::size_t>(height / 2) * (width / 2) * channels;
    return {dense != nullptr ? dense + image * pixels : nullptr,
            pooled + image * windows,
            argmax + image * windows / 8,
            height,
            width,
            channels};
  }
  /// Of one image, where there is none.
  __device__ __forceinline__ ImageSource<T> dense_image(std::size_t image) const {
    return {dense + image * (static_cast<std::size_t>(height) * width * channels), height, width, channels};
  }

  __device__ __forceinline__ bool has(int y, int x, int channel) const {
    return y >= 0 && y < height && x >= 0 && x < width && channel < channels;
  }
  /// The pooled values of the window of (y, x), and their positions in it.
  __device__ __forceinline__ void load_window(Vector<T>& values, unsigned& positions, int y, int x, int channel) const {
    values = zero_vector<T>();
    positions = 0;
    if (!has(y, x, channel)) return;
    const std::size_t window = static_cast<std::size_t>(y / 2) * (width / 2) + x / 2;
    values = load_vector(pooled + window * channels + channel);
    positions = static_cast<unsigned>(argmax[(window * channels + channel) / 8]) >> (2 * (channel % 8));
  }

  /// A pixel, and 4 * its window + its position in it; -1: outside.
  struct Place {
    int pixel;
    unsigned window;
  };
  __device__ __forceinline__ Place place(int y, int x) const {
    if (y < 0 || y >= height || x < 0 || x >= width) return {-1, 0};
    return {y * width + x, 4 * static_cast<unsigned>(y / 2 * (width / 2) + x / 2) + 2 * (static_cast<unsigned>(y) % 2) +
                               static_cast<unsigned>(x) % 2};
  }
  /// Where there is a pooled part.
  __device__ __forceinline__ Vector<T> at(const Place& place, int channel) const {
    if (place.pixel < 0 || channel >= channels) return zero_vector<T>();
    const std::size_t window = static_cast<std::size_t>(place.window / 4) * channels + channel;
    const Vector<T> unpooled = load_vector(pooled + window);
    const unsigned positions = static_cast<unsigned>(argmax[window / 8]) >> (2 * (channel % 8));
    Vector<T> value = dense != nullptr ? load_vector(dense + static_cast<std::size_t>(place.pixel) * channels + channel)
                                       : zero_vector<T>();
    add_unpooled(value, unpooled, positions, place.window % 4);
    return value;
  }
};

template <typename T>
OutputGradient<T> output_gradient_of(const ConvOutputGradient& from, const Conv3x3Layer& layer) {
  return {static_cast<const T*>(from.dense.data),
          static_cast<const T*>(from.pooled.data),
          static_cast<const std::uint16_t*>(from.argmax.data),
          layer.height,
          layer.width,
          from.dense ? from.dense.stored_channels : from.pooled.stored_channels};
}

}  // namespace n2s::device
