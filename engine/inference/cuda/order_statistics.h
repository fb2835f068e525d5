// Order statistics of whole datasets on a GPU, from which percentiles are interpolated.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

#include "engine/inference/measurement.h"

namespace n2s::device {

/// All voxels lie in device memory at once. False where that takes more than `limit` bytes, or there is less: `why`
/// says so, and nothing has changed. Throws Error.
bool measure(const RankSearch& search, std::size_t limit, cudaStream_t stream, std::string& why);

}  // namespace n2s::device
