// Simulated noise that is drawn once per plane, before training, instead of anew at every visit.
#pragma once

#include <vector>

#include "engine/training/training_stack.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// Replaces the clean, normalised stacks by what the settings' method learns from (noisy sources, and targets where it
/// needs them) and clears settings.noise. Does nothing without noise. Copies of stored planes are stored in `memory`.
void fix_noise(std::vector<TrainingStack>& stacks, BatchSettings& settings, ThreadPool& pool, VoxelMemory& memory);

}  // namespace n2s
