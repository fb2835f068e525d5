// The checks of a convolution's problem, for every version of it (see check.h).
#include "kernels/conv3x3/check.h"

#include <cstdint>

#include <fmt/format.h>

#include "kernels/base/error.h"

namespace n2s {
namespace {

std::string text(const Shape& s) {
  return fmt::format("({}, {}, {}, {})", s.batch, s.height, s.width, s.channels);
}

const char* text(Element element) {
  constexpr const char* kNames[] = {"fp32", "fp64", "fp16", "bf16", "one byte per position", "two bits per position"};
  return kNames[static_cast<std::size_t>(element)];
}

void expect(bool condition, const char* message) {
  if (!condition) throw Error(fmt::format("conv3x3: {}", message));
}

void expect_shape(const char* what, const Shape& found, const Shape& expected) {
  if (found == expected) return;
  throw Error(fmt::format("conv3x3: {} has shape {}, expected {}", what, text(found), text(expected)));
}

void expect_element(const char* what, Element found, Element expected) {
  if (found == expected) return;
  throw Error(fmt::format("conv3x3: {} is stored as {}, expected {}", what, text(found), text(expected)));
}

/// Shape, type and padding of a tensor that is there.
void expect_tensor(const char* what, const ConstTensorView& tensor, const Shape& shape, Element element,
                   const ConvStorage& storage) {
  expect_shape(what, tensor.shape, shape);
  expect_element(what, tensor.element, element);
  const int multiple = storage.channel_multiple;
  const int stored = (shape.channels + multiple - 1) / multiple * multiple;
  if (tensor.stored_channels != stored)
    throw Error(fmt::format("conv3x3: {} stores {} channels per pixel, expected {} for {}", what,
                            tensor.stored_channels, stored, shape.channels));
}

void expect_parameters(const char* what, const ConstTypedPointer& pointer, const ConvStorage& storage) {
  if (pointer) expect_element(what, pointer.element, storage.parameters);
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

void read_source(const ConvSource& source, const ConvStorage& storage, Conv3x3Layer& layer) {
  expect(source.low || source.skip, "the source has neither a low nor a skip part");
  const Shape& s = source.skip ? source.skip.shape : source.low.shape;
  const int factor = source.skip ? 1 : 2;
  layer.batch = s.batch;
  layer.height = factor * s.height;
  layer.width = factor * s.width;
  layer.low_channels = source.low ? source.low.shape.channels : 0;
  layer.skip_channels = source.skip ? source.skip.shape.channels : 0;
  if (source.low) expect_tensor("source.low", source.low, half(layer, layer.low_channels), storage.tensors, storage);
  if (source.skip)
    expect_tensor("source.skip", source.skip, full(layer, layer.skip_channels), storage.tensors, storage);
}

void read_output_gradient(const ConvOutputGradient& gradient, const ConvStorage& storage, Conv3x3Layer& layer) {
  expect(gradient.dense || gradient.pooled, "the output gradient has neither a dense nor a pooled part");
  const Shape& s = gradient.dense ? gradient.dense.shape : gradient.pooled.shape;
  const int factor = gradient.dense ? 1 : 2;
  layer.batch = s.batch;
  layer.height = factor * s.height;
  layer.width = factor * s.width;
  layer.out_channels = s.channels;
  if (gradient.dense)
    expect_tensor("output_gradient.dense", gradient.dense, full(layer, s.channels), storage.tensors, storage);
  if (!gradient.pooled) return;
  expect_even(layer, "a pooled output gradient needs even height and width");
  expect(bool(gradient.argmax), "a pooled output gradient needs its argmax");
  const Shape pooled = half(layer, s.channels);
  expect_tensor("output_gradient.pooled", gradient.pooled, pooled, storage.tensors, storage);
  expect_tensor("output_gradient.argmax", gradient.argmax, pooled, storage.positions, storage);
}

void check_target(const char* what, const ConvGradientTarget& target, const Shape& shape, const ConvStorage& storage) {
  if (!target.gradient) return;
  expect(shape.channels > 0, "a gradient is requested for a source part without channels");
  expect_tensor(what, target.gradient, shape, storage.tensors, storage);
  if (target.activated)
    expect_tensor("the activated tensor of a gradient", target.activated, shape, storage.tensors, storage);
}

void check_pooled(const Conv3x3Forward& p, const ConvStorage& storage, const Conv3x3Layer& layer) {
  const Shape shape = half(layer, layer.out_channels);
  if (p.pooled) {
    expect_even(layer, "pooling needs even height and width");
    expect_tensor("pooled", p.pooled, shape, storage.tensors, storage);
  }
  if (!p.argmax) return;
  expect(bool(p.pooled), "argmax is requested without pooled");
  expect_tensor("argmax", p.argmax, shape, storage.positions, storage);
}

void check_bytes(const char* what, std::span<const std::byte> memory, std::size_t needed, std::size_t alignment) {
  if (memory.size() < needed)
    throw Error(fmt::format("conv3x3: {} has {} bytes, {} are needed", what, memory.size(), needed));
  if (needed == 0) return;
  if (memory.data() == nullptr) throw Error(fmt::format("conv3x3: {} is missing", what));
  if (reinterpret_cast<std::uintptr_t>(memory.data()) % alignment != 0)  // NOLINT: an address
    throw Error(fmt::format("conv3x3: {} is not aligned to {} bytes", what, alignment));
}

}  // namespace

void check_layer(const Conv3x3Layer& l) {
  expect(l.batch > 0 && l.height > 0 && l.width > 0, "batch, height and width must be positive");
  expect(l.low_channels >= 0 && l.skip_channels >= 0, "channel counts must not be negative");
  expect(l.low_channels + l.skip_channels > 0, "at least one input channel is needed");
  expect(l.out_channels > 0, "at least one output channel is needed");
  if (l.low_channels > 0) expect_even(l, "height and width must be even with upsampled channels");
}

Conv3x3Layer checked_layer(const Conv3x3Forward& p, const ConvStorage& storage) {
  Conv3x3Layer layer;
  read_source(p.source, storage, layer);
  expect(p.out || p.pooled, "neither out nor pooled is requested");
  layer.out_channels = p.out ? p.out.shape.channels : p.pooled.shape.channels;
  check_layer(layer);
  if (p.out) expect_tensor("out", p.out, full(layer, layer.out_channels), storage.tensors, storage);
  check_pooled(p, storage, layer);
  expect_parameters("bias", p.bias, storage);
  if (p.residual) {
    const int channels = p.residual.shape.channels;
    expect_tensor("residual", p.residual, full(layer, channels), storage.tensors, storage);
    expect(p.residual_channel >= 0 && p.residual_channel < channels, "residual_channel is not a channel of residual");
  }
  return layer;
}

Conv3x3Layer checked_layer(const Conv3x3DataGradient& p, const ConvStorage& storage) {
  Conv3x3Layer layer;
  read_output_gradient(p.output_gradient, storage, layer);
  layer.low_channels = p.low_channels;
  layer.skip_channels = p.skip_channels;
  check_layer(layer);
  expect(p.low.gradient || p.skip.gradient, "neither low.gradient nor skip.gradient is requested");
  check_target("low.gradient", p.low, half(layer, layer.low_channels), storage);
  check_target("skip.gradient", p.skip, full(layer, layer.skip_channels), storage);
  return layer;
}

Conv3x3Layer checked_layer(const Conv3x3WeightGradient& p, const ConvStorage& storage) {
  Conv3x3Layer layer;
  read_output_gradient(p.output_gradient, storage, layer);
  Conv3x3Layer from_source;
  read_source(p.source, storage, from_source);
  from_source.out_channels = layer.out_channels;
  check_layer(from_source);
  expect_shape("the output gradient", full(layer, layer.out_channels), full(from_source, layer.out_channels));
  expect(bool(p.weight_gradient), "weight_gradient is missing");
  expect_parameters("weight_gradient", p.weight_gradient, storage);
  expect_parameters("bias_gradient", p.bias_gradient, storage);
  return from_source;
}

void check_memory(const Conv3x3Forward& p, const ConvBytes& needed, const ConvStorage& storage) {
  check_bytes("packed", p.packed, needed.packed, storage.alignment);
  check_bytes("scratch", p.scratch, needed.scratch, storage.alignment);
}

void check_memory(const Conv3x3DataGradient& p, const ConvBytes& needed, const ConvStorage& storage) {
  check_bytes("packed", p.packed, needed.packed, storage.alignment);
  check_bytes("scratch", p.scratch, needed.scratch, storage.alignment);
}

void check_memory(const Conv3x3WeightGradient& p, const ConvBytes& needed, const ConvStorage& storage) {
  check_bytes("scratch", p.scratch, needed.scratch, storage.alignment);
}

void check_packing(const float* weight, ConvPass pass, std::span<const std::byte> packed, const ConvBytes& needed,
                   const ConvStorage& storage) {
  expect(pass != ConvPass::weight_gradient, "the weight gradient has no weights to pack");
  check_weight(weight, storage);
  check_bytes("packed", packed, needed.packed, storage.alignment);
}

void check_weight(const ConstTypedPointer& weight, const ConvStorage& storage) {
  expect(bool(weight), "weight is missing");
  expect_parameters("weight", weight, storage);
}

}  // namespace n2s
