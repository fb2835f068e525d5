// What happens to the sums of a forward pass on their way to memory: bias, activation, residual and 2x2 pooling, for a
// window of output pixels and eight channels per thread. The project's own kernels and those around cuDNN end here.
#pragma once

#include <cstdint>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/device/element.h"

namespace n2s::device {

/// The outputs of a forward pass, and what they are made with.
template <typename T>
struct Outputs {
  int height = 0, width = 0;  // of the output
  int channels = 0, stored = 0;
  const float* bias = nullptr;
  float slope = 1;
  const T* residual = nullptr;
  int residual_stored = 0, residual_channel = 0;
  T* out = nullptr;
  T* pooled = nullptr;
  std::uint16_t* argmax = nullptr;
};

template <typename T>
Outputs<T> outputs_of(const Conv3x3Forward& p, const Conv3x3Layer& layer) {
  Outputs<T> o;
  o.height = layer.height;
  o.width = layer.width;
  o.channels = layer.out_channels;
  o.stored = p.out ? p.out.stored_channels : p.pooled.stored_channels;
  o.bias = p.bias.as<float>();
  o.slope = static_cast<float>(p.slope);
  o.residual = static_cast<const T*>(p.residual.data);
  o.residual_stored = p.residual.stored_channels;
  o.residual_channel = p.residual_channel;
  o.out = static_cast<T*>(p.out.data);
  o.pooled = static_cast<T*>(p.pooled.data);
  o.argmax = static_cast<std::uint16_t*>(p.argmax.data);
  return o;
}

/// The biases of eight channels; 0 where there are none.
template <typename T>
__device__ __forceinline__ void load_bias(const Outputs<T>& o, int channel, float (&bias)[8]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) bias[i] = o.bias != nullptr && channel + i < o.channels ? o.bias[channel + i] : 0.0F;
}

/// Bias, activation and residual for eight channels of one pixel; channels that are padding become 0.
template <typename T>
__device__ __forceinline__ void finish(float (&v)[8], const float (&bias)[8], const Outputs<T>& o, int channel,
                                       std::size_t pixel) {
  const float residual =
      o.residual != nullptr ? to_float(o.residual[pixel * o.residual_stored + o.residual_channel]) : 0.0F;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const float sum = v[i] + bias[i];
    v[i] = (sum > 0 ? sum : o.slope * sum) + residual;
  }
  if (channel + 8 <= o.channels) return;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    if (channel + i >= o.channels) v[i] = 0;
}

/// The maximum of a window's pixels and where it is, for eight channels. Of values that are equal once rounded the
/// first one counts, on every device.
template <typename T>
struct WindowMaximum {
  float values[8] = {};
  unsigned positions = 0;  // two bits per channel

  __device__ __forceinline__ void add(const float (&v)[8], int position) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const float rounded = to_float(from_float<T>(v[i]));
      if (position > 0 && !(rounded > values[i])) continue;
      values[i] = rounded;
      positions = (positions & ~(3U << (2 * i))) | (static_cast<unsigned>(position) << (2 * i));
    }
  }
};

/// One 2x2 window of outputs whose first pixel is (y0, x0), eight channels: stores what of it lies in the image, its
/// maximum and where that is. `load(values, dy, dx, pixel)` gives a pixel's sums; `pixel` counts through the batch.
template <typename T, typename Load>
__device__ __forceinline__ void write_window(const Outputs<T>& o, int image, int y0, int x0, int channel,
                                             const Load& load) {
  float bias[8];
  load_bias(o, channel, bias);
  WindowMaximum<T> maximum;
#pragma unroll
  for (int position = 0; position < 4; ++position) {
    const int dy = position / 2;
    const int dx = position % 2;
    if (y0 + dy >= o.height || x0 + dx >= o.width) continue;
    const std::size_t pixel = (static_cast<std::size_t>(image) * o.height + (y0 + dy)) * o.width + (x0 + dx);
    float v[8];
    load(v, dy, dx, pixel);
    finish(v, bias, o, channel, pixel);
    if (o.out != nullptr) store8(o.out + pixel * o.stored + channel, v);
    if (o.pooled != nullptr) maximum.add(v, position);
  }
  if (o.pooled == nullptr || y0 >= o.height || x0 >= o.width) return;
  const std::size_t half = (static_cast<std::size_t>(image) * (o.height / 2) + y0 / 2) * (o.width / 2) + x0 / 2;
  store8(o.pooled + half * o.stored + channel, maximum.values);
  if (o.argmax != nullptr) o.argmax[(half * o.stored + channel) / 8] = static_cast<std::uint16_t>(maximum.positions);
}

}  // namespace n2s::device
