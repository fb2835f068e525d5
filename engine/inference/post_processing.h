// Spectral post-processing of whole stacks: measured frequencies are put back, on the device that restores them.
#pragma once

#include <cstdint>
#include <string>

#include "data/stack.h"
#include "engine/runtime/backend.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// restore_measured() of plane_noise.h on the backend's device. Where that is another than the processor, but lacks
/// what it takes, the processor does it, and the result says why; else the result is empty.
std::string restore_measured(const NoiseSpec& spec, const Stack& noisy, std::uint64_t seed, Purpose copy, int stack,
                             Stack& restored, Backend& backend, ThreadPool& pool);

}  // namespace n2s
