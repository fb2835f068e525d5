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

/// Brings the convolutions' weights into their kernels' layouts; packed[i] belongs to graph.operations[i].
void pack_on_gpu(const Graph& graph, const Extents& extents, const Binding& binding,
                 std::span<const std::span<std::byte>> packed, const GpuLaunch& launch);

/// Returns before the work is done. Throws Error when a launch fails.
void run_on_gpu(const Operation& operation, const Binding& binding, const GpuLaunch& launch);

}  // namespace n2s
