// Denoises files larger than memory: a few planes at a time are read, restored and written, each while the others are.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/image_writer.h"
#include "engine/training/plane_noise.h"
#include "tools/model_use.h"
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
  std::function<void(long planes)> progress{};
};

/// Restores all stacks of the file into `writer`, which has the axes of the result, and commits it. Returns the levels
/// of each stack. Throws Error, also where the
/// user interrupts it (InterruptGuard is the caller's); nothing is written then.
std::vector<SeenStack> denoise_streamed(const StreamedDenoising& job, ImageWriter& writer);

}  // namespace n2s
