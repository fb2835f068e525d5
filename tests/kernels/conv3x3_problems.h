// A correct problem of every pass of the convolution, in the memory of any device.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "kernels/conv3x3/conv3x3.h"

namespace n2s::test {

/// A version of the convolution under test.
struct ConvDevice {
  Element tensors, positions;
  int channel_multiple;
  std::function<std::byte*(std::size_t bytes)> allocate;  // aligned to 64 bytes
  std::function<ConvBytes(const Conv3x3Layer&, ConvPass)> bytes;
  std::function<void(const Conv3x3Layer&, ConvPass, const float* weight, std::span<std::byte> packed)> pack;
  std::function<void(const Conv3x3Forward&)> forward;
  std::function<void(const Conv3x3DataGradient&)> data_gradient;
  std::function<void(const Conv3x3WeightGradient&)> weight_gradient;
};

inline constexpr Conv3x3Layer kCheckedLayer{1, 4, 4, 3, 2, 5};

/// A correct problem of every pass, with all that is optional.
struct Problems {
  Conv3x3Forward forward;
  Conv3x3DataGradient data_gradient;
  Conv3x3WeightGradient weight_gradient;
};

class ProblemMaker {
 public:
  explicit ProblemMaker(const ConvDevice& device) : device_(device) {}

  Problems make() const {
    const Shape low{1, 2, 2, 3}, skip{1, 4, 4, 2}, out{1, 4, 4, 5}, pooled{1, 2, 2, 5};
    Problems p;
    p.forward.source = {tensor(low), tensor(skip)};
    p.forward.bias = parameters(5);
    p.forward.residual = tensor({1, 4, 4, 2});
    p.forward.residual_channel = 1;
    p.forward.out = tensor(out);
    p.forward.pooled = tensor(pooled);
    p.forward.argmax = positions(pooled);
    p.forward.packed = memory(ConvPass::forward).packed;
    p.forward.scratch = memory(ConvPass::forward).scratch;
    p.data_gradient.output_gradient = {tensor(out), tensor(pooled), positions(pooled)};
    p.data_gradient.low_channels = 3;
    p.data_gradient.skip_channels = 2;
    p.data_gradient.low = {tensor(low), tensor(low), 0.5, false};
    p.data_gradient.skip = {tensor(skip), tensor(skip), 0.5, false};
    p.data_gradient.packed = memory(ConvPass::data_gradient).packed;
    p.data_gradient.scratch = memory(ConvPass::data_gradient).scratch;
    p.weight_gradient.source = p.forward.source;
    p.weight_gradient.output_gradient = p.data_gradient.output_gradient;
    p.weight_gradient.weight_gradient = parameters(std::size_t{9} * 5 * 5);
    p.weight_gradient.bias_gradient = parameters(5);
    p.weight_gradient.scratch = memory(ConvPass::weight_gradient).scratch;
    return p;
  }

 private:
  struct Memory {
    std::span<std::byte> packed, scratch;
  };

  /// Exactly what is needed, and behind it room for a view that begins later.
  std::span<std::byte> take(std::size_t bytes) const {
    if (bytes == 0) return {};
    return {device_.allocate(bytes + 64), bytes};
  }
  Memory memory(ConvPass pass) const {
    const ConvBytes bytes = device_.bytes(kCheckedLayer, pass);
    return {take(bytes.packed), take(bytes.scratch)};
  }
  TensorView view(const Shape& shape, Element element) const {
    const int multiple = device_.channel_multiple;
    const int stored = (shape.channels + multiple - 1) / multiple * multiple;
    const auto elements = static_cast<std::size_t>(shape.pixels()) * static_cast<std::size_t>(stored);
    return {device_.allocate(elements * sizeof(float)), shape, element, stored};
  }
  TensorView tensor(const Shape& shape) const { return view(shape, device_.tensors); }
  TensorView positions(const Shape& shape) const { return view(shape, device_.positions); }
  float* parameters(std::size_t count) const {
    return reinterpret_cast<float*>(device_.allocate(count * sizeof(float)));  // NOLINT: aligned
  }

  const ConvDevice& device_;
};

}  // namespace n2s::test
