// Maps each operation of a graph to its CUDA kernels.
#pragma once

#include <cuda_runtime.h>

#include "engine/runtime/backend.h"
#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s {

/// How and where kernels are launched.
struct GpuLaunch {
  device::ConvMode mode;
  const float* loss_scale = nullptr;  // in device memory; the loss's gradient is multiplied by it
  cudaStream_t stream = nullptr;
};

OperationMemory cuda_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                      const device::ConvMode& mode);

/// Brings a convolution's weights into its kernel's layout; does nothing for other operations.
void pack_on_gpu(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding,
                 const device::ConvMode& mode, cudaStream_t stream);

/// Returns before the work is done. Throws Error when a launch fails.
void run_on_gpu(const Operation& operation, const Binding& binding, const GpuLaunch& launch);

}  // namespace n2s
