// The kernel laboratory on a GPU: every variant and precision of the convolution that the GPU has, on every layer shape
// of both networks, each checked against its double-precision twin.
#pragma once

#include "engine/cuda/cuda_backend.h"
#include "engine/runtime/backend.h"

namespace n2s {

struct CudaLaboratoryOptions {
  bool json = false;
  double seconds = 0.2;  // for each measurement
  Extents extents{16, 256, 256};
};

/// Prints a table, or one JSON object. Throws Error where there is no GPU.
void run_cuda_laboratory(const CudaOptions& gpu, const CudaLaboratoryOptions& options);

}  // namespace n2s
