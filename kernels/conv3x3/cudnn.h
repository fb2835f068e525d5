// The convolution through cuDNN: the same three problems, with what it cannot fuse before and after it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/conv3x3/cuda.h"

namespace n2s::device {

/// Bytes of packed weights, which serve the forward pass and the data gradient alike, and of scratch memory.
std::size_t cudnn_packed_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t cudnn_forward_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t cudnn_data_gradient_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t cudnn_weight_gradient_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);

void cudnn_pack(const Conv3x3Layer& layer, const ConvMode& mode, const float* weight, void* packed,
                cudaStream_t stream);

/// Shapes have been checked; scratch memory is large enough. `layer` is the problem's.
void cudnn_forward(const DeviceConvForward& problem, const Conv3x3Layer& layer, const ConvMode& mode,
                   cudaStream_t stream);
void cudnn_data_gradient(const DeviceConvDataGradient& problem, const Conv3x3Layer& layer, const ConvMode& mode,
                         cudaStream_t stream);
void cudnn_weight_gradient(const DeviceConvWeightGradient& problem, const Conv3x3Layer& layer, const ConvMode& mode,
                           void* scratch, cudaStream_t stream);

}  // namespace n2s::device
