// The kernel benchmark on a GPU: every variant of the convolution in every precision that the GPU has, on every layer
// shape of all networks, timed and checked against the double-precision reference.
#pragma once

#include "engine/cuda/cuda_backend.h"
#include "engine/runtime/backend.h"

namespace n2s {

struct CudaKernelBenchmarkOptions {
  bool json = false;
  double seconds = 0.2;  // for each measurement
  Extents extents{16, 256, 256};
};

/// Prints a table, or one JSON object. Throws Error where there is no GPU.
void run_cuda_kernel_benchmark(const CudaOptions& gpu, const CudaKernelBenchmarkOptions& options);

}  // namespace n2s
