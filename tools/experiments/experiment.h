// An experiment of the paper on a data set: every system with every seed, one after the other, each in a folder of its
// own. What is finished stays; what was interrupted goes on; what fails does not end the others.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/experiments/system_run.h"

namespace n2s {

struct ExperimentOptions {
  std::string methods;  // "noisy,1+4"; empty: those of the paper's table
  int seeds = 1;
  std::filesystem::path segmentation;  // a model for the downstream check; empty: one is trained first
  bool replace = false;                // what the folder holds of an earlier experiment
};

/// Runs what `folder` does not hold yet. Throws Error where the folder holds an experiment with another data set or
/// scale, and where the user interrupts it.
std::vector<SystemResult> run_experiment(const ExperimentContext& context, const ExperimentOptions& options,
                                         const std::filesystem::path& folder);

}  // namespace n2s
