// What NVIDIA's libraries do not do around a convolution, in kernels of their own: sources are put together before it,
// and bias, activation, residual, pooling and their gradients come after it. In device memory, channels of the joint
// source are [low, padded to eights][skip, padded to eights], and weights are [output][tap][input], padded likewise.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device::unfused {

/// Channels of the joint source, and elements of the weights, as the libraries see them.
inline int joint_channels(const Conv3x3Layer& l) {
  return padded_channels(l.low_channels) + padded_channels(l.skip_channels);
}
inline std::size_t weight_elements(const Conv3x3Layer& l) {
  return static_cast<std::size_t>(9) * static_cast<std::size_t>(joint_channels(l)) *
         static_cast<std::size_t>(padded_channels(l.out_channels));
}

/// Between OIHW fp32 weights and that form.
void pack_weights(const Conv3x3Layer& layer, Precision precision, const float* weight, void* packed,
                  cudaStream_t stream);
void unpack_weights(const Conv3x3Layer& layer, Precision precision, const void* packed, float* weight,
                    cudaStream_t stream);

/// The joint source in memory: upsampled and concatenated.
void join_source(const ConvSource& source, const Conv3x3Layer& layer, Precision precision, void* joint,
                 cudaStream_t stream);

/// The output gradient in memory: dense plus what comes through the pooled output.
void join_output_gradient(const ConvOutputGradient& from, const Conv3x3Layer& layer, Precision precision, void* joint,
                          cudaStream_t stream);

/// Makes the outputs from the sums of the convolution, which may be in p.out itself.
void finish_outputs(const Conv3x3Forward& p, const Conv3x3Layer& layer, Precision precision, const void* sums,
                    cudaStream_t stream);

/// Distributes the joint source's gradient to its two parts.
void split_gradient(const Conv3x3DataGradient& p, const Conv3x3Layer& layer, Precision precision, const void* joint,
                    cudaStream_t stream);

/// Sums of the joint output gradient over all pixels, in a fixed order.
std::size_t bias_scratch_bytes(const Conv3x3Layer& layer);
void bias_gradient(const void* output_gradient, const Conv3x3Layer& layer, Precision precision, float* scratch,
                   float* gradient, cudaStream_t stream);

}  // namespace n2s::device::unfused
