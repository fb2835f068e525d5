// The charts of an experiment: figures 4, 5 and 6 of the paper, and the losses.
#pragma once

#include <string>
#include <vector>

#include "tools/experiments/experiment_report.h"
#include "tools/report/chart.h"

namespace n2s {

struct NamedChart {
  std::string name;  // of its files: "planes", "position", ...
  Chart chart;
  std::string caption;
};

/// Those for which there are results.
std::vector<NamedChart> experiment_charts(const ExperimentReport& report);

}  // namespace n2s
