// The cudnn variant: the three passes through NVIDIA's library, with what it cannot fuse before and after it.
#pragma once

#include <cuda_runtime.h>

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device {

/// Packed weights serve the forward pass and the data gradient alike. Asks the library for its algorithms, once.
ConvBytes cudnn_bytes(const Conv3x3Layer& layer, ConvPass pass, const ConvMode& mode);

void cudnn_pack(const Conv3x3Layer& layer, const ConvMode& mode, const float* weight, void* packed,
                cudaStream_t stream);

/// Problems have been checked, and describe the layer.
void cudnn_forward(const Conv3x3Forward& problem, const Conv3x3Layer& layer, const ConvMode& mode, cudaStream_t stream);
void cudnn_data_gradient(const Conv3x3DataGradient& problem, const Conv3x3Layer& layer, const ConvMode& mode,
                         cudaStream_t stream);
void cudnn_weight_gradient(const Conv3x3WeightGradient& problem, const Conv3x3Layer& layer, const ConvMode& mode,
                           cudaStream_t stream);

}  // namespace n2s::device
