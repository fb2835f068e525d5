// The page of an experiment: the paper's table and figures, from one's own data (Papkov et al. 2020, Table 1, figures 3
// to 6).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/experiments/result_table.h"
#include "tools/experiments/system_result.h"
#include "tools/report/chart.h"

namespace n2s {

struct ExperimentReport {
  std::string experiment;        // "mri", "microscopy"
  std::string data, scale;       // the data set's file; of the training
  std::filesystem::path folder;  // of the experiment: pictures and logs of the systems
  std::vector<SystemResult> results;
};

/// Its charts, each with a name for files: "planes", "position", ...
struct NamedChart {
  std::string name;
  Chart chart;
  std::string caption;
};
std::vector<NamedChart> experiment_charts(const ExperimentReport& report);

/// Writes report.html, and the charts as figures/NAME.svg and .csv, into the folder. Throws Error.
void write_experiment_report(const ExperimentReport& report);

}  // namespace n2s
