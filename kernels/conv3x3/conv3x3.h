// 3x3 convolution, stride 1, zero padding of 1 pixel, NHWC: the one operation that both U-Nets are made of.
// What surrounds a convolution in the nets is fused into it: upsampling and concatenation on the way in; bias,
// activation, residual and 2x2 max pooling on the way out; and their gradients. `reference.cpp` is the obviously right
// version in any precision, `cpu.cpp` the fast one. Source: Papkov et al. 2020, Tables S1 and S2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/base/tensor.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// What a convolution reads: the virtual concatenation [nearest 2x upsampling of `low`, `skip`] along channels. Either
/// may be missing, not both. Without `low` height and width are free (1 pixel is fine); with it they are even.
template <typename T>
struct ConvSource {
  Tensor<const T> low;   // (N, H/2, W/2, C_low)
  Tensor<const T> skip;  // (N, H, W, C_skip)
};

/// out = activation(conv(source) + bias) + residual, activation(v) = v > 0 ? v : slope * v.
/// At least one of `out` and `pooled` is there; with `pooled`, H and W are even.
template <typename T>
struct Conv3x3Forward {
  ConvSource<T> source;
  const T* weight = nullptr;  // OIHW: [C_out][C_low + C_skip][3][3]
  const T* bias = nullptr;    // [C_out]; null: none
  T slope = 1;                // 1: linear, 0.1: LeakyReLU(0.1), 0: ReLU
  Tensor<const T> residual;   // (N, H, W, any C), optional: one of its channels is added to every output channel
  int residual_channel = 0;
  Tensor<T> out;                // (N, H, W, C_out), optional
  Tensor<T> pooled;             // (N, H/2, W/2, C_out), optional: maximum of each 2x2 window of out
  Tensor<std::uint8_t> argmax;  // shape of pooled, optional: where the maximum is, 2 * dy + dx; the first one of equals
};

/// The gradient with respect to a convolution's output before its activation. It is the sum of what arrives at full
/// resolution and of what arrives through the pooled output; either may be missing, not both.
template <typename T>
struct ConvUpstream {
  Tensor<const T> dense;              // (N, H, W, C_out)
  Tensor<const T> pooled;             // (N, H/2, W/2, C_out)
  Tensor<const std::uint8_t> argmax;  // goes with pooled
};

/// Where a data gradient goes. The derivative of the activation that made the tensor is applied on the way:
/// gradient (+)= g * (activated > 0 ? 1 : slope); without `activated`, g itself. By linearity each of several consumers
/// may do so for its own share, and what is stored is always a gradient before the activation.
template <typename T>
struct ConvGradientTarget {
  Tensor<T> gradient;         // shape of the source part it belongs to; null: not wanted
  Tensor<const T> activated;  // the source part itself, or null
  T slope = 1;
  bool accumulate = false;  // add to what is there instead of overwriting it
};

/// Gradient with respect to the source; for `low` the four pixels that were copied from one are summed.
template <typename T>
struct Conv3x3DataGradient {
  ConvUpstream<T> upstream;
  const T* weight = nullptr;  // OIHW, as in the forward pass
  int low_channels = 0;       // channels of source.low and source.skip: weight has their sum as input channels
  int skip_channels = 0;
  ConvGradientTarget<T> low, skip;
};

/// Gradients with respect to weight and bias, overwritten.
template <typename T>
struct Conv3x3WeightGradient {
  ConvSource<T> source;
  ConvUpstream<T> upstream;
  T* weight_gradient = nullptr;  // OIHW
  T* bias_gradient = nullptr;    // [C_out]; null: not wanted
};

// Reference: plain loops, for T = float and double. ------------------------------------------------------------------

template <typename T>
void conv3x3_forward_reference(const Conv3x3Forward<T>& problem);
template <typename T>
void conv3x3_data_gradient_reference(const Conv3x3DataGradient<T>& problem);
template <typename T>
void conv3x3_weight_gradient_reference(const Conv3x3WeightGradient<T>& problem);

// CPU: SIMD chosen at run time, threads, fp32. -----------------------------------------------------------------------

enum class Conv3x3Variant {
  automatic,  // what is measured to be faster for the shape
  direct,     // tap by tap as a matrix product; the exact four-phase form for upsampled channels (9 -> 4 taps)
  winograd,   // F(4x4, 3x3): 2.25 multiplications a pixel instead of 9, and 1.5625 for upsampled channels
};

/// What fixes the packed form of a layer's weights and the scratch memory: channels and extents, not the data.
struct Conv3x3Layer {
  int batch = 0, height = 0, width = 0;     // of the output, pixels
  int low_channels = 0, skip_channels = 0;  // of the two source parts; 0: not there
  int out_channels = 0;
};

/// Number of floats that the packed weights take; the forward pass and the data gradient have a form each.
std::size_t conv3x3_forward_packed_size(const Conv3x3Layer& layer, Conv3x3Variant variant);
std::size_t conv3x3_data_gradient_packed_size(const Conv3x3Layer& layer, Conv3x3Variant variant);

/// Brings OIHW weights into that form. To be repeated when the weights change, not for every call.
void conv3x3_forward_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                          std::span<float> packed, ThreadPool& pool);
void conv3x3_data_gradient_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                                std::span<float> packed, ThreadPool& pool);

/// Number of floats of scratch memory that a call needs with a pool of `threads` threads. 64-byte alignment is assumed
/// for packed weights and scratch memory, none for tensors.
std::size_t conv3x3_forward_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads);
std::size_t conv3x3_data_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads);
std::size_t conv3x3_weight_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads);

/// The fast versions. `weight` of the problem is not read: `packed` stands for it. Scratch memory is not initialised by
/// the caller. Results are bit-identical for any number of threads. Throws Error when shapes do not fit together or
/// packed or scratch memory is too small.
void conv3x3_forward_cpu(const Conv3x3Forward<float>& problem, Conv3x3Variant variant, std::span<const float> packed,
                         std::span<float> scratch, ThreadPool& pool);
void conv3x3_data_gradient_cpu(const Conv3x3DataGradient<float>& problem, Conv3x3Variant variant,
                               std::span<const float> packed, std::span<float> scratch, ThreadPool& pool);
void conv3x3_weight_gradient_cpu(const Conv3x3WeightGradient<float>& problem, Conv3x3Variant variant,
                                 std::span<float> scratch, ThreadPool& pool);

}  // namespace n2s
