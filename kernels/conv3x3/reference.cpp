// The obviously right 3x3 convolution: plain loops over the definition, any precision, no speed.
// Every fast version is compared with this one in double precision.
#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {
namespace {

/// One value of the virtual concatenation [upsampled low, skip]; zero outside the image.
template <typename T>
T source_at(const ConvSource<T>& source, const Conv3x3Layer& layer, int n, int y, int x, int channel) {
  if (y < 0 || y >= layer.height || x < 0 || x >= layer.width) return T{0};
  if (channel < layer.low_channels) return source.low.pixel(n, y / 2, x / 2)[channel];
  return source.skip.pixel(n, y, x)[channel - layer.low_channels];
}

/// One value of the gradient before the activation; zero outside the image. Pooling sends it to the maximum only.
template <typename T>
T upstream_at(const ConvUpstream<T>& upstream, const Conv3x3Layer& layer, int n, int y, int x, int channel) {
  if (y < 0 || y >= layer.height || x < 0 || x >= layer.width) return T{0};
  T sum = upstream.dense ? upstream.dense.pixel(n, y, x)[channel] : T{0};
  if (upstream.pooled && upstream.argmax.pixel(n, y / 2, x / 2)[channel] == 2 * (y % 2) + x % 2)
    sum += upstream.pooled.pixel(n, y / 2, x / 2)[channel];
  return sum;
}

template <typename T>
T weight_at(const T* weight, const Conv3x3Layer& layer, int out, int in, int ky, int kx) {
  const int inputs = layer.low_channels + layer.skip_channels;
  return weight[((std::ptrdiff_t{out} * inputs + in) * 3 + ky) * 3 + kx];
}

/// One value of activation(conv(source) + bias) + residual.
template <typename T>
T output_at(const Conv3x3Forward<T>& p, const Conv3x3Layer& layer, int n, int y, int x, int out) {
  T sum = p.bias ? p.bias[out] : T{0};
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx)
      for (int in = 0; in < layer.low_channels + layer.skip_channels; ++in)
        sum += weight_at(p.weight, layer, out, in, ky, kx) * source_at(p.source, layer, n, y + ky - 1, x + kx - 1, in);
  const T activated = sum > 0 ? sum : p.slope * sum;
  return p.residual ? activated + p.residual.pixel(n, y, x)[p.residual_channel] : activated;
}

template <typename T>
void pool_at(const Conv3x3Forward<T>& p, const Conv3x3Layer& layer, int n, int y, int x, int out) {
  T best{0};
  int where = 0;
  for (int i = 0; i < 4; ++i) {
    const T value = output_at(p, layer, n, 2 * y + i / 2, 2 * x + i % 2, out);
    if (i > 0 && !(value > best)) continue;
    best = value;
    where = i;
  }
  p.pooled.pixel(n, y, x)[out] = best;
  if (p.argmax) p.argmax.pixel(n, y, x)[out] = static_cast<std::uint8_t>(where);
}

/// Gradient with respect to one value of the virtual concatenation.
template <typename T>
T source_gradient_at(const Conv3x3DataGradient<T>& p, const Conv3x3Layer& layer, int n, int y, int x, int in) {
  T sum{0};
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx)
      for (int out = 0; out < layer.out_channels; ++out)
        sum += weight_at(p.weight, layer, out, in, ky, kx) *
               upstream_at(p.upstream, layer, n, y - ky + 1, x - kx + 1, out);
  return sum;
}

template <typename T>
void store_gradient(const ConvGradientTarget<T>& target, int n, int y, int x, int channel, T gradient) {
  const bool falls = target.activated && !(target.activated.pixel(n, y, x)[channel] > 0);
  const T value = falls ? gradient * target.slope : gradient;
  T& place = target.gradient.pixel(n, y, x)[channel];
  place = target.accumulate ? place + value : value;
}

template <typename T>
T weight_gradient_at(const Conv3x3WeightGradient<T>& p, const Conv3x3Layer& layer, int out, int in, int ky, int kx) {
  T sum{0};
  for (int n = 0; n < layer.batch; ++n)
    for (int y = 0; y < layer.height; ++y)
      for (int x = 0; x < layer.width; ++x)
        sum += upstream_at(p.upstream, layer, n, y, x, out) * source_at(p.source, layer, n, y + ky - 1, x + kx - 1, in);
  return sum;
}

template <typename Work>
void for_each_value(const Shape& shape, const Work& work) {
  for (int n = 0; n < shape.batch; ++n)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        for (int c = 0; c < shape.channels; ++c) work(n, y, x, c);
}

}  // namespace

template <typename T>
void conv3x3_forward_reference(const Conv3x3Forward<T>& p) {
  const Conv3x3Layer layer = checked_layer(p);
  if (p.weight == nullptr) throw Error("conv3x3: weight is missing");
  if (p.out)
    for_each_value(p.out.shape, [&](int n, int y, int x, int out) {
      p.out.pixel(n, y, x)[out] = output_at(p, layer, n, y, x, out);
    });
  if (p.pooled) for_each_value(p.pooled.shape, [&](int n, int y, int x, int out) { pool_at(p, layer, n, y, x, out); });
}

template <typename T>
void conv3x3_data_gradient_reference(const Conv3x3DataGradient<T>& p) {
  const Conv3x3Layer layer = checked_layer(p);
  if (p.weight == nullptr) throw Error("conv3x3: weight is missing");
  if (p.low.gradient)
    for_each_value(p.low.gradient.shape, [&](int n, int y, int x, int c) {
      T sum{0};
      for (int i = 0; i < 4; ++i) sum += source_gradient_at(p, layer, n, 2 * y + i / 2, 2 * x + i % 2, c);
      store_gradient(p.low, n, y, x, c, sum);
    });
  if (p.skip.gradient)
    for_each_value(p.skip.gradient.shape, [&](int n, int y, int x, int c) {
      store_gradient(p.skip, n, y, x, c, source_gradient_at(p, layer, n, y, x, layer.low_channels + c));
    });
}

template <typename T>
void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient<T>& p) {
  const Conv3x3Layer layer = checked_layer(p);
  const int inputs = layer.low_channels + layer.skip_channels;
  T* next = p.weight_gradient;
  for (int out = 0; out < layer.out_channels; ++out)
    for (int in = 0; in < inputs; ++in)
      for (int k = 0; k < 9; ++k) *next++ = weight_gradient_at(p, layer, out, in, k / 3, k % 3);
  if (p.bias_gradient == nullptr) return;
  for (int out = 0; out < layer.out_channels; ++out) {
    T sum{0};
    for_each_value({layer.batch, layer.height, layer.width, 1},
                   [&](int n, int y, int x, int) { sum += upstream_at(p.upstream, layer, n, y, x, out); });
    p.bias_gradient[out] = sum;
  }
}

template void conv3x3_forward_reference(const Conv3x3Forward<float>&);
template void conv3x3_forward_reference(const Conv3x3Forward<double>&);
template void conv3x3_data_gradient_reference(const Conv3x3DataGradient<float>&);
template void conv3x3_data_gradient_reference(const Conv3x3DataGradient<double>&);
template void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient<float>&);
template void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient<double>&);

}  // namespace n2s
