// The operations around a convolution, one pass over memory each: what fusion absorbs into conv3x3. They run when
// fusion is off, which is how the fused graph is tested and debugged. Gradients go through ConvGradientTarget, as in
// conv3x3.h.
#pragma once

#include "kernels/base/tensor.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s::unfused {

// T is float or double. Shapes are NHWC; Error when they do not fit together.

/// out = in > 0 ? in : slope * in.
template <typename T>
void activation(Tensor<const T> in, T slope, Tensor<T> out, ThreadPool& pool);
/// gradient = upstream * (activated > 0 ? 1 : slope), then as `to` says.
template <typename T>
void activation_gradient(Tensor<const T> upstream, Tensor<const T> activated, T slope, const ConvGradientTarget& to,
                         ThreadPool& pool);

/// in (N, H, W, C) -> out, argmax (N, H/2, W/2, C): the first largest of each 2x2 window, and 2 * dy + dx of it.
template <typename T>
void maxpool2(Tensor<const T> in, Tensor<T> out, Tensor<std::uint8_t> argmax, ThreadPool& pool);
template <typename T>
void maxpool2_gradient(Tensor<const T> upstream, Tensor<const std::uint8_t> argmax, const ConvGradientTarget& to,
                       ThreadPool& pool);

/// in (N, H, W, C) -> out (N, 2H, 2W, C), nearest neighbour; the gradient sums the four copies.
template <typename T>
void upsample2(Tensor<const T> in, Tensor<T> out, ThreadPool& pool);
template <typename T>
void upsample2_gradient(Tensor<const T> upstream, const ConvGradientTarget& to, ThreadPool& pool);

/// Channels of first, then of second; the gradient cuts them apart again (either target may be missing).
template <typename T>
void concat(Tensor<const T> first, Tensor<const T> second, Tensor<T> out, ThreadPool& pool);
template <typename T>
void concat_gradient(Tensor<const T> upstream, const ConvGradientTarget& first, const ConvGradientTarget& second,
                     int first_channels, ThreadPool& pool);

/// out = in + source[channel] for every channel of `in`; its gradient with respect to `in` is a copy.
template <typename T>
void add_plane(Tensor<const T> in, Tensor<const T> source, int channel, Tensor<T> out, ThreadPool& pool);
template <typename T>
void copy_gradient(Tensor<const T> upstream, const ConvGradientTarget& to, ThreadPool& pool);

}  // namespace n2s::unfused
