// Metrics of stacks on a GPU: some planes at a time go there, and their sums come back.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

#include "engine/inference/measurement.h"

namespace n2s::device {

/// In at most `limit` bytes of device memory. False where one plane needs more, or there is less: `why` says so, and
/// nothing has changed. Throws Error.
bool measure(const PlaneComparison& comparison, std::size_t limit, cudaStream_t stream, std::string& why);

}  // namespace n2s::device
