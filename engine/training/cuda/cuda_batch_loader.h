// Chooses how a GPU gets its training batches: made there from a resident dataset, or streamed from the host.
#pragma once

#include <memory>

#include "engine/cuda/cuda_context.h"
#include "engine/training/batch_loader.h"
#include "engine/training/batches.h"

namespace n2s {

/// Resident where the dataset fits into the request's limit (and its noise can be made on the GPU), else streamed.
/// Everything that the request refers to must live as long as the loader. Throws Error.
std::unique_ptr<BatchLoader> make_cuda_batch_loader(const CudaContext& gpu, const BatchRequest& request);

}  // namespace n2s
