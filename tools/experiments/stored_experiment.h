// What the folder of an experiment holds: its settings and the results that are there.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/experiments/system_result.h"

namespace n2s {

struct StoredExperiment {
  std::string experiment;   // "mri", "microscopy"
  std::string data, scale;  // the data set's file; of the training
  std::vector<SystemResult> results;
};

/// Its settings: null where the folder holds no experiment. Throws Error where they are damaged.
nlohmann::json experiment_settings(const std::filesystem::path& folder);

/// Of all systems and seeds. Throws Error where the folder holds no experiment, or none of its results.
StoredExperiment load_experiment(const std::filesystem::path& folder);

}  // namespace n2s
