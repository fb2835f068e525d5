// Non-local means on a GPU.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/nlm/padded_planes.h"

namespace n2s::device {

/// Planes as PaddedPlanes has them, in device memory.
struct DeviceNlm {
  NlmProblem problem;
  const float* padded = nullptr;      // the margin's first value
  std::ptrdiff_t row = 0, plane = 0;  // floats
  float* restored = nullptr;          // problem.planes planes without gaps, in the same units
};
void nlm(const DeviceNlm& problem, cudaStream_t stream);

}  // namespace n2s::device
