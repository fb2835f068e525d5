// Sums over ranks from GPU to GPU: NCCL, on a stream of its own, so that gradients travel while the backward pass
// computes the next ones.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <string>

#include "engine/runtime/backend.h"

namespace n2s {

/// Null, on all ranks, where one of them has no NCCL or NCCL refuses them (two ranks on one GPU); `why_none` then says
/// which. Throws Error, RankLost.
std::unique_ptr<DeviceSums> nccl_sums(Ranks& ranks, cudaStream_t computing, std::string& why_none);

}  // namespace n2s
