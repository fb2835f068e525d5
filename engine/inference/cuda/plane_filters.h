// BM3D and non-local means on the GPU: copies planes there, filters them and brings them back.
#pragma once

#include <cuda_runtime.h>

#include "engine/inference/inference_device.h"

namespace n2s::device {

/// These return false, with the reason, where the GPU lacks memory. Throw Error.
bool filter_planes(const Bm3dProblem& problem, const PlaneFilterRequest& request, cudaStream_t stream);
bool filter_planes(const NlmProblem& problem, const PlaneFilterRequest& request, cudaStream_t stream);

}  // namespace n2s::device
