// Stream and precision of a CUDA backend, for code that works on the same GPU (training/cuda, inference/cuda).
#pragma once

#include <cuda_runtime.h>

#include "engine/runtime/backend.h"
#include "kernels/device/tensor.h"

namespace n2s {

struct CudaContext {
  cudaStream_t stream = nullptr;  // where the backend's work runs
  device::Precision precision = device::Precision::fp32;
};

/// Of a backend that make_cuda_backend() has made. Throws std::bad_cast for another.
CudaContext cuda_context(const Backend& backend);

}  // namespace n2s
