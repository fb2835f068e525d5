// One system of an experiment with one seed: trains it where it learns, restores the test stacks, measures them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/devices/device.h"
#include "kernels/base/thread_pool.h"
#include "tools/common.h"
#include "tools/experiments/stored_data_set.h"
#include "tools/experiments/system_result.h"
#include "tools/experiments/systems.h"
#include "tools/training_options.h"

namespace n2s {

/// How long each network is trained, and on which images.
struct ExperimentScale {
  std::string name;
  TrainingLength length;
  int crop = 0;  // pixels; 0: whole planes, 256 at most
};

/// "quick": 600 steps of 16 images of 64x64; "paper": 100 epochs of whole planes; "400": so many steps of 64x64. Throws
/// Error for anything else.
ExperimentScale experiment_scale(const std::string& name);

struct ExperimentContext {
  const StoredDataSet& data;
  ExperimentScale scale;
  CommonOptions common;
  const Device& device;
  ThreadPool& pool;
  std::filesystem::path segmentation{};  // the model of the downstream check; empty: it is left out
};

/// Continues a training that has been interrupted in `folder`; writes example.tif there, some planes of the first test
/// stack (with k-space data consistency, example-post.tif). Throws Error, also where the user interrupts it.
SystemResult run_system(const ExperimentContext& context, const System& system, std::uint64_t seed,
                        const std::filesystem::path& folder);

/// Seconds that run_system() will take, from a few steps of its training. `scratch` is a folder for data that memory
/// does not hold.
double estimated_seconds(const ExperimentContext& context, const System& system, const std::filesystem::path& scratch);

/// Whether the downstream check looks at what the system restores.
bool is_segmented(const System& system);

}  // namespace n2s
