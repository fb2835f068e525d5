// The reference of the 3x3 convolution: plain loops over the definition, in float or double, without regard to speed.
// Every fast version is compared with this one in double precision.
#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {
namespace {

/// One value of the virtual concatenation [upsampled low, skip]; zero outside the image.
template <typename T>
T source_at(const ConvSource& source, const Conv3x3Layer& layer, int n, int y, int x, int channel) {
  if (y < 0 || y >= layer.height || x < 0 || x >= layer.width) return T{0};
  if (channel < layer.low_channels) return source.low.as<T>().pixel(n, y / 2, x / 2)[channel];
  return source.skip.as<T>().pixel(n, y, x)[channel - layer.low_channels];
}

/// One value of the gradient before the activation; zero outside the image. Pooling sends it to the maximum only.
template <typename T>
T output_gradient_at(const ConvOutputGradient& from, const Conv3x3Layer& layer, int n, int y, int x, int channel) {
  if (y < 0 || y >= layer.height || x < 0 || x >= layer.width) return T{0};
  T sum = from.dense ? from.dense.as<T>().pixel(n, y, x)[channel] : T{0};
  if (from.pooled && from.argmax.as<std::uint8_t>().pixel(n, y / 2, x / 2)[channel] == 2 * (y % 2) + x % 2)
    sum += from.pooled.as<T>().pixel(n, y / 2, x / 2)[channel];
  return sum;
}

template <typename T>
T weight_at(const ConstTypedPointer& weight, const Conv3x3Layer& layer, int out, int in, int ky, int kx) {
  const int inputs = layer.low_channels + layer.skip_channels;
  return weight.as<T>()[((std::ptrdiff_t{out} * inputs + in) * 3 + ky) * 3 + kx];
}

/// One value of activation(conv(source) + bias) + residual.
template <typename T>
T output_at(const Conv3x3Forward& p, const Conv3x3Layer& layer, int n, int y, int x, int out) {
  T sum = p.bias ? p.bias.as<T>()[out] : T{0};
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx)
      for (int in = 0; in < layer.low_channels + layer.skip_channels; ++in)
        sum += weight_at<T>(p.weight, layer, out, in, ky, kx) *
               source_at<T>(p.source, layer, n, y + ky - 1, x + kx - 1, in);
  const T activated = sum > 0 ? sum : static_cast<T>(p.slope) * sum;
  return p.residual ? activated + p.residual.as<T>().pixel(n, y, x)[p.residual_channel] : activated;
}

template <typename T>
void pool_at(const Conv3x3Forward& p, const Conv3x3Layer& layer, int n, int y, int x, int out) {
  T best{0};
  int where = 0;
  for (int i = 0; i < 4; ++i) {
    const T value = output_at<T>(p, layer, n, 2 * y + i / 2, 2 * x + i % 2, out);
    if (i > 0 && !(value > best)) continue;
    best = value;
    where = i;
  }
  p.pooled.as<T>().pixel(n, y, x)[out] = best;
  if (p.argmax) p.argmax.as<std::uint8_t>().pixel(n, y, x)[out] = static_cast<std::uint8_t>(where);
}

/// Gradient with respect to one value of the virtual concatenation.
template <typename T>
T source_gradient_at(const Conv3x3DataGradient& p, const Conv3x3Layer& layer, int n, int y, int x, int in) {
  T sum{0};
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx)
      for (int out = 0; out < layer.out_channels; ++out)
        sum += weight_at<T>(p.weight, layer, out, in, ky, kx) *
               output_gradient_at<T>(p.output_gradient, layer, n, y - ky + 1, x - kx + 1, out);
  return sum;
}

template <typename T>
void store_gradient(const ConvGradientTarget& target, int n, int y, int x, int channel, T gradient) {
  const bool falls = target.activated && !(target.activated.as<T>().pixel(n, y, x)[channel] > 0);
  const T value = falls ? gradient * static_cast<T>(target.slope) : gradient;
  T& place = target.gradient.as<T>().pixel(n, y, x)[channel];
  place = target.accumulate ? place + value : value;
}

template <typename T>
T weight_gradient_at(const Conv3x3WeightGradient& p, const Conv3x3Layer& layer, int out, int in, int ky, int kx) {
  T sum{0};
  for (int n = 0; n < layer.batch; ++n)
    for (int y = 0; y < layer.height; ++y)
      for (int x = 0; x < layer.width; ++x)
        sum += output_gradient_at<T>(p.output_gradient, layer, n, y, x, out) *
               source_at<T>(p.source, layer, n, y + ky - 1, x + kx - 1, in);
  return sum;
}

template <typename Work>
void for_each_value(const Shape& shape, const Work& work) {
  for (int n = 0; n < shape.batch; ++n)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        for (int c = 0; c < shape.channels; ++c) work(n, y, x, c);
}

template <typename T>
constexpr ConvStorage kStorage{ElementOf<T>::kElement, Element::index8, ElementOf<T>::kElement};

template <typename T>
void forward(const Conv3x3Forward& p) {
  const Conv3x3Layer layer = checked_layer(p, kStorage<T>);
  check_weight(p.weight, kStorage<T>);
  if (p.out)
    for_each_value(p.out.shape, [&](int n, int y, int x, int out) {
      p.out.as<T>().pixel(n, y, x)[out] = output_at<T>(p, layer, n, y, x, out);
    });
  if (p.pooled)
    for_each_value(p.pooled.shape, [&](int n, int y, int x, int out) { pool_at<T>(p, layer, n, y, x, out); });
}

template <typename T>
void data_gradient(const Conv3x3DataGradient& p) {
  const Conv3x3Layer layer = checked_layer(p, kStorage<T>);
  check_weight(p.weight, kStorage<T>);
  if (p.low.gradient)
    for_each_value(p.low.gradient.shape, [&](int n, int y, int x, int c) {
      T sum{0};
      for (int i = 0; i < 4; ++i) sum += source_gradient_at<T>(p, layer, n, 2 * y + i / 2, 2 * x + i % 2, c);
      store_gradient<T>(p.low, n, y, x, c, sum);
    });
  if (p.skip.gradient)
    for_each_value(p.skip.gradient.shape, [&](int n, int y, int x, int c) {
      store_gradient<T>(p.skip, n, y, x, c, source_gradient_at<T>(p, layer, n, y, x, layer.low_channels + c));
    });
}

template <typename T>
void weight_gradient(const Conv3x3WeightGradient& p) {
  const Conv3x3Layer layer = checked_layer(p, kStorage<T>);
  const int inputs = layer.low_channels + layer.skip_channels;
  T* next = p.weight_gradient.as<T>();
  for (int out = 0; out < layer.out_channels; ++out)
    for (int in = 0; in < inputs; ++in)
      for (int k = 0; k < 9; ++k) *next++ = weight_gradient_at<T>(p, layer, out, in, k / 3, k % 3);
  if (!p.bias_gradient) return;
  for (int out = 0; out < layer.out_channels; ++out) {
    T sum{0};
    for_each_value({layer.batch, layer.height, layer.width, 1}, [&](int n, int y, int x, int) {
      sum += output_gradient_at<T>(p.output_gradient, layer, n, y, x, out);
    });
    p.bias_gradient.as<T>()[out] = sum;
  }
}

/// Whether to compute in double: as the first tensor is stored. The checks find those that are stored otherwise.
bool is_double(const ConstTensorView& first, const ConstTensorView& otherwise) {
  return (first ? first : otherwise).element == Element::fp64;
}

}  // namespace

void conv3x3_forward_reference(const Conv3x3Forward& p) {
  (is_double(p.source.skip, p.source.low) ? forward<double> : forward<float>)(p);
}

void conv3x3_data_gradient_reference(const Conv3x3DataGradient& p) {
  (is_double(p.output_gradient.dense, p.output_gradient.pooled) ? data_gradient<double> : data_gradient<float>)(p);
}

void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient& p) {
  (is_double(p.source.skip, p.source.low) ? weight_gradient<double> : weight_gradient<float>)(p);
}

}  // namespace n2s
