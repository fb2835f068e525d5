// k-space data consistency of whole stacks (spectral post-processing), on the device that restores them.
#pragma once

#include <cstdint>
#include <string>

#include "data/stack.h"
#include "engine/inference/inference_device.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// restore_measured() of plane_noise.h on the device. Where a GPU lacks memory or cuFFT, the host computes, and the
/// result says why; else the result is empty.
std::string restore_measured(const NoiseSpec& spec, const Stack& noisy, std::uint64_t seed, Purpose copy, int stack,
                             Stack& restored, InferenceDevice& device, ThreadPool& pool);

}  // namespace n2s
