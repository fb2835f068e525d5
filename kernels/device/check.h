// Turns the CUDA runtime's error codes into the project's exception, with what was being done.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/error.h"

namespace n2s::device {

/// Throws Error "`what`: out of memory (cudaErrorMemoryAllocation)" unless the call succeeded.
void check(cudaError_t result, const char* what);

}  // namespace n2s::device
