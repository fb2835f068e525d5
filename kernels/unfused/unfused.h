// The operations around a convolution, one pass over memory each: what fusion absorbs into conv3x3. They run when
// fusion is off, which is how the fused graph is tested and debugged. Gradients go through ConvGradientTarget, as in
// conv3x3.h.
#pragma once

#include "kernels/base/tensor.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s::unfused {

// Shapes are NHWC. Throws Error when they do not fit together.

/// out = in > 0 ? in : slope * in.
void activation(ConstFloatTensor in, float slope, FloatTensor out, ThreadPool& pool);
/// gradient = output_gradient * (activated > 0 ? 1 : slope), then as `to` says.
void activation_gradient(ConstFloatTensor output_gradient, ConstFloatTensor activated, float slope,
                         const ConvGradientTarget& to, ThreadPool& pool);

/// in (N, H, W, C) -> out, argmax (N, H/2, W/2, C): the first largest of each 2x2 window, and 2 * dy + dx of it.
/// Without data in `argmax` the positions are not stored.
void maxpool2(ConstFloatTensor in, FloatTensor out, Tensor<std::uint8_t> argmax, ThreadPool& pool);
void maxpool2_gradient(ConstFloatTensor output_gradient, Tensor<const std::uint8_t> argmax,
                       const ConvGradientTarget& to, ThreadPool& pool);

/// in (N, H, W, C) -> out (N, H/2, W/2, C): the largest of every 2x2 window (one for each pixel, cut at the far edges),
/// blurred with (1, 2, 1) / 4 along both axes, every second one (Zhang 2019; N2V2, Hoeck et al. 2022).
void blurpool2(ConstFloatTensor in, FloatTensor out, ThreadPool& pool);
void blurpool2_gradient(ConstFloatTensor output_gradient, ConstFloatTensor in, const ConvGradientTarget& to,
                        ThreadPool& pool);

/// in (N, H, W, C) -> out (N, 2H, 2W, C), nearest neighbour; the gradient sums the four copies.
void upsample2(ConstFloatTensor in, FloatTensor out, ThreadPool& pool);
void upsample2_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& to, ThreadPool& pool);

/// Channels of first, then of second; the gradient is split in the same way (either target may be missing).
void concat(ConstFloatTensor first, ConstFloatTensor second, FloatTensor out, ThreadPool& pool);
void concat_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& first,
                     const ConvGradientTarget& second, int first_channels, ThreadPool& pool);

/// out = in + source[channel] for every channel of `in`; its gradient with respect to `in` is a copy.
void add_plane(ConstFloatTensor in, ConstFloatTensor source, int channel, FloatTensor out, ThreadPool& pool);
void copy_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& to, ThreadPool& pool);

// The same in double precision, by definition, for tests. Shapes are not checked.

void activation_reference(Tensor<const double> in, double slope, Tensor<double> out);
void activation_gradient_reference(Tensor<const double> output_gradient, Tensor<const double> activated, double slope,
                                   const ConvGradientTarget& to);
void maxpool2_reference(Tensor<const double> in, Tensor<double> out, Tensor<std::uint8_t> argmax);
void maxpool2_gradient_reference(Tensor<const double> output_gradient, Tensor<const std::uint8_t> argmax,
                                 const ConvGradientTarget& to);
void blurpool2_reference(Tensor<const double> in, Tensor<double> out);
void blurpool2_gradient_reference(Tensor<const double> output_gradient, Tensor<const double> in,
                                  const ConvGradientTarget& to);
void upsample2_reference(Tensor<const double> in, Tensor<double> out);
void upsample2_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& to);
void concat_reference(Tensor<const double> first, Tensor<const double> second, Tensor<double> out);
void concat_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& first,
                               const ConvGradientTarget& second, int first_channels);
void add_plane_reference(Tensor<const double> in, Tensor<const double> source, int channel, Tensor<double> out);
void copy_gradient_reference(Tensor<const double> output_gradient, const ConvGradientTarget& to);

}  // namespace n2s::unfused
