// Denoises files larger than memory: a few planes at a time are read, restored and written, each while the others are.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/image_writer.h"
#include "engine/training/plane_noise.h"
#include "tools/measured_levels.h"
#include "tools/model_use.h"
#include "tools/ranks/process_ranks.h"
#include "tools/stack_stream.h"

namespace n2s {

struct StreamedDenoising {
  const OpenFile& file;
  const std::vector<LoadedModel>& models;  // see load_models()
  const Device& device;
  InferenceOptions inference;           // memory_limit and tile
  bool given_levels = false;            // the model's own map, instead of the stack's
  std::optional<NoiseSpec> measured{};  // k-space data consistency with this noise
  std::uint64_t seed = 0;
  ThreadPool& pool;
  ProcessRanks* ranks = nullptr;  // that restore it together; null: one process
  std::function<void(long planes)> progress{};
  /// Sees what is restored before it is written: consecutive planes of a stack.
  std::function<void(std::size_t stack, int first, std::span<const float> planes)> restored{};
};

/// Bytes that a plane's activations may take where the user sets no limit: on the CPU what the planes themselves leave
/// of the memory that a large file is worked on with. 0: the device's own choice.
std::size_t activation_memory(const CommonOptions& common);

/// Restores all stacks of the file into `writer`, which has the axes of the result, and commits it; of several ranks
/// the first one writes, and the others have none. Returns the levels of each stack. Throws Error, also where the user
/// interrupts it (InterruptGuard is the caller's); nothing is written then.
std::vector<SeenStack> denoise_streamed(const StreamedDenoising& job, ImageWriter* writer);

}  // namespace n2s
