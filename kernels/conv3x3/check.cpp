// Shape checks of the 3x3 convolution, shared by the reference and the fast versions (see check.h).
#include "kernels/conv3x3/check.h"

#include <cstdint>

#include <fmt/format.h>

#include "kernels/base/error.h"

namespace n2s {
namespace {

std::string text(const Shape& s) {
  return fmt::format("({}, {}, {}, {})", s.batch, s.height, s.width, s.channels);
}

void expect_shape(const char* what, const Shape& found, const Shape& expected) {
  if (found == expected) return;
  throw Error(fmt::format("conv3x3: {} has shape {}, expected {}", what, text(found), text(expected)));
}

void expect(bool condition, const char* message) {
  if (!condition) throw Error(fmt::format("conv3x3: {}", message));
}

Shape full(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height, l.width, channels};
}
Shape half(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height / 2, l.width / 2, channels};
}

void expect_even(const Conv3x3Layer& l, const char* message) {
  expect(l.height % 2 == 0 && l.width % 2 == 0, message);
}

template <typename T>
void read_source(const ConvSource<T>& source, Conv3x3Layer& layer) {
  expect(source.low || source.skip, "the source has neither a low nor a skip part");
  const Shape& s = source.skip ? source.skip.shape : source.low.shape;
  const int factor = source.skip ? 1 : 2;
  layer.batch = s.batch;
  layer.height = factor * s.height;
  layer.width = factor * s.width;
  layer.low_channels = source.low ? source.low.shape.channels : 0;
  layer.skip_channels = source.skip ? source.skip.shape.channels : 0;
  if (source.low) expect_shape("source.low", source.low.shape, half(layer, layer.low_channels));
}

template <typename T>
void read_upstream(const ConvUpstream<T>& upstream, Conv3x3Layer& layer) {
  expect(upstream.dense || upstream.pooled, "the upstream gradient has neither a dense nor a pooled part");
  const Shape& s = upstream.dense ? upstream.dense.shape : upstream.pooled.shape;
  const int factor = upstream.dense ? 1 : 2;
  layer.batch = s.batch;
  layer.height = factor * s.height;
  layer.width = factor * s.width;
  layer.out_channels = s.channels;
  if (!upstream.pooled) return;
  expect_even(layer, "a pooled upstream gradient needs even height and width");
  expect(bool(upstream.argmax), "a pooled upstream gradient needs its argmax");
  expect_shape("upstream.pooled", upstream.pooled.shape, half(layer, layer.out_channels));
  expect_shape("upstream.argmax", upstream.argmax.shape, half(layer, layer.out_channels));
}

template <typename T>
void check_target(const char* what, const ConvGradientTarget<T>& target, const Shape& shape) {
  if (!target.gradient) return;
  expect(shape.channels > 0, "a gradient is wanted for a source part without channels");
  expect_shape(what, target.gradient.shape, shape);
  if (target.activated) expect_shape("the activated tensor of a gradient", target.activated.shape, shape);
}

}  // namespace

void check_layer(const Conv3x3Layer& l) {
  expect(l.batch > 0 && l.height > 0 && l.width > 0, "batch, height and width must be positive");
  expect(l.low_channels >= 0 && l.skip_channels >= 0, "channel counts must not be negative");
  expect(l.low_channels + l.skip_channels > 0, "at least one input channel is needed");
  expect(l.out_channels > 0, "at least one output channel is needed");
  if (l.low_channels > 0) expect_even(l, "height and width must be even with upsampled channels");
}

template <typename T>
Conv3x3Layer checked_layer(const Conv3x3Forward<T>& p) {
  Conv3x3Layer layer;
  read_source(p.source, layer);
  expect(p.out || p.pooled, "neither out nor pooled is wanted");
  layer.out_channels = p.out ? p.out.shape.channels : p.pooled.shape.channels;
  check_layer(layer);
  if (p.out) expect_shape("out", p.out.shape, full(layer, layer.out_channels));
  if (p.pooled) {
    expect_even(layer, "pooling needs even height and width");
    expect_shape("pooled", p.pooled.shape, half(layer, layer.out_channels));
  }
  if (p.argmax) {
    expect(bool(p.pooled), "argmax is wanted without pooled");
    expect_shape("argmax", p.argmax.shape, p.pooled.shape);
  }
  if (p.residual) {
    expect_shape("residual", p.residual.shape, full(layer, p.residual.shape.channels));
    expect(p.residual_channel >= 0 && p.residual_channel < p.residual.shape.channels,
           "residual_channel is not a channel of residual");
  }
  return layer;
}

template <typename T>
Conv3x3Layer checked_layer(const Conv3x3DataGradient<T>& p) {
  Conv3x3Layer layer;
  read_upstream(p.upstream, layer);
  layer.low_channels = p.low_channels;
  layer.skip_channels = p.skip_channels;
  check_layer(layer);
  check_target("low.gradient", p.low, half(layer, layer.low_channels));
  check_target("skip.gradient", p.skip, full(layer, layer.skip_channels));
  return layer;
}

template <typename T>
Conv3x3Layer checked_layer(const Conv3x3WeightGradient<T>& p) {
  Conv3x3Layer layer;
  read_upstream(p.upstream, layer);
  Conv3x3Layer from_source;
  read_source(p.source, from_source);
  from_source.out_channels = layer.out_channels;
  check_layer(from_source);
  expect_shape("the upstream gradient", full(layer, layer.out_channels), full(from_source, layer.out_channels));
  expect(p.weight_gradient != nullptr, "weight_gradient is missing");
  return from_source;
}

void check_memory(const char* what, const float* data, std::size_t have, std::size_t need) {
  if (have < need) throw Error(fmt::format("conv3x3: {} has {} floats, {} are needed", what, have, need));
  if (need > 0 && reinterpret_cast<std::uintptr_t>(data) % 64 != 0)
    throw Error(fmt::format("conv3x3: {} is not aligned to 64 bytes", what));
}

template Conv3x3Layer checked_layer(const Conv3x3Forward<float>&);
template Conv3x3Layer checked_layer(const Conv3x3Forward<double>&);
template Conv3x3Layer checked_layer(const Conv3x3DataGradient<float>&);
template Conv3x3Layer checked_layer(const Conv3x3DataGradient<double>&);
template Conv3x3Layer checked_layer(const Conv3x3WeightGradient<float>&);
template Conv3x3Layer checked_layer(const Conv3x3WeightGradient<double>&);

}  // namespace n2s
