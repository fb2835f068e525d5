// The page of an experiment: the paper's table and figures, from one's own data (Papkov et al. 2020, Table 1, figures 3
// to 6).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/experiments/system_result.h"
#include "tools/experiments/systems.h"

namespace n2s {

struct ExperimentReport {
  std::string experiment;        // "mri", "microscopy"
  std::string data, scale;       // the data set's file; of the training
  std::filesystem::path folder;  // of the experiment
  std::vector<SystemResult> results;
  std::filesystem::path page{};  // the file; empty: report.html in the folder

  /// Pictures and log of the system's run with the first seed.
  std::filesystem::path folder_of(const System& system) const { return folder / (std::string(system.name) + "-seed1"); }
};

/// Writes the page, and the charts as figures/NAME.svg and .csv into the folder. Replaces files. Throws Error.
void write_experiment_report(const ExperimentReport& report);

/// A page of several experiments of one kind: their tables side by side. Throws Error where they are of two kinds.
void write_experiments_report(const std::vector<ExperimentReport>& reports, const std::filesystem::path& page);

}  // namespace n2s
