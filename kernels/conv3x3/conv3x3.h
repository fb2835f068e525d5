// The contract of the 3x3 convolution, stride 1, zero padding of 1 pixel, NHWC: the one operation that both U-Nets are
// made of. What surrounds a convolution in the networks is fused into it: upsampling and concatenation on the way in;
// bias, activation, residual and 2x2 max pooling on the way out; and their gradients. The same problems are given to
// every version: to the reference (reference.cpp, declared here), the CPU (cpu/cpu.h) and the GPU (cuda/cuda.h).
// Source: Papkov et al. 2020, Tables S1 and S2.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/base/tensor.h"

namespace n2s {

// Tensors of a problem have one element type, argmax that of positions; parameters and their gradients are fp32 (in the
// reference: of the tensors' type). Every version checks this, the shapes and the memory first (check.h).

/// What a convolution reads: the virtual concatenation [nearest 2x upsampling of `low`, `skip`] along channels. Either
/// may be missing, not both. Without `low` height and width are free (1 pixel is fine); with it they are even.
struct ConvSource {
  ConstTensorView low;   // (N, H/2, W/2, C_low)
  ConstTensorView skip;  // (N, H, W, C_skip)
};

/// out = activation(conv(source) + bias) + residual, activation(v) = v > 0 ? v : slope * v.
/// At least one of `out` and `pooled` is there; with `pooled`, H and W are even.
struct Conv3x3Forward {
  ConvSource source;
  ConstTypedPointer weight;  // OIHW: [C_out][C_low + C_skip][3][3]; only the reference reads it
  ConstTypedPointer bias;    // [C_out]; null: none
  double slope = 1;          // 1: linear, 0.1: LeakyReLU(0.1), 0: ReLU
  ConstTensorView residual;  // (N, H, W, any C), optional: one of its channels is added to every output channel
  int residual_channel = 0;
  TensorView out;                       // (N, H, W, C_out), optional
  TensorView pooled;                    // (N, H/2, W/2, C_out), optional: maximum of each 2x2 window of out
  TensorView argmax;                    // shape of pooled, optional: where the maximum is; the first one of equals
  std::span<const std::byte> packed{};  // the weights in the variant's form; not for the reference
  std::span<std::byte> scratch{};       // the variant's scratch memory, uninitialised; not for the reference
};

/// The gradient with respect to a convolution's output before its activation. It is the sum of what arrives at full
/// resolution and of what arrives through the pooled output; either may be missing, not both.
struct ConvOutputGradient {
  ConstTensorView dense;   // (N, H, W, C_out)
  ConstTensorView pooled;  // (N, H/2, W/2, C_out)
  ConstTensorView argmax;  // goes with pooled
};

/// Where a data gradient goes. The derivative of the activation that made the tensor is applied on the way:
/// gradient (+)= g * (activated > 0 ? 1 : slope); without `activated`, g itself. By linearity each of several consumers
/// may do so for its own share, and what is stored is always a gradient before the activation.
struct ConvGradientTarget {
  TensorView gradient;        // shape of the source part it belongs to; null: not requested
  ConstTensorView activated;  // the source part itself, or null
  double slope = 1;
  bool accumulate = false;  // add to the current gradient instead of overwriting it
};

/// Gradient with respect to the source; for `low` the four pixels that were copied from one are summed. At least one of
/// the two is requested.
struct Conv3x3DataGradient {
  ConvOutputGradient output_gradient;
  ConstTypedPointer weight;  // OIHW, as in the forward pass; only the reference reads it
  int low_channels = 0;      // channels of source.low and source.skip: weight has their sum as input channels
  int skip_channels = 0;
  ConvGradientTarget low, skip;
  std::span<const std::byte> packed{};  // the weights in the variant's form, which is not the forward pass's
  std::span<std::byte> scratch{};
};

/// Gradients with respect to weight and bias, overwritten. There are no weights to pack.
struct Conv3x3WeightGradient {
  ConvSource source;
  ConvOutputGradient output_gradient;
  TypedPointer weight_gradient;  // OIHW
  TypedPointer bias_gradient;    // [C_out]; null: not requested
  std::span<std::byte> scratch{};
};

enum class ConvPass { forward, data_gradient, weight_gradient };

/// What fixes the packed form of a layer's weights and the scratch memory: channels and extents, not the data.
struct Conv3x3Layer {
  int batch = 0, height = 0, width = 0;     // of the output, pixels
  int low_channels = 0, skip_channels = 0;  // of the two source parts; 0: not there
  int out_channels = 0;
};

/// Memory that a variant needs for a layer, beside the tensors. It depends on the layer, the variant and the pass.
struct ConvBytes {
  std::size_t packed = 0, scratch = 0;
};

/// A layer's weights to be packed for a pass: `weight` is OIHW in fp32, `packed` as large as ConvBytes says; both in
/// the device's memory.
struct ConvPacking {
  Conv3x3Layer layer;
  ConvPass pass = ConvPass::forward;  // or data_gradient
  const float* weight = nullptr;
  std::span<std::byte> packed;
};

// The reference: plain loops in float or double, whichever the tensors are. Throws Error when tensors do not fit
// together.

void conv3x3_forward_reference(const Conv3x3Forward& problem);
void conv3x3_data_gradient_reference(const Conv3x3DataGradient& problem);
void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient& problem);

}  // namespace n2s
