// Parts of pages about measured planes: curves over the plane's position, a table of means, planes beside the truth.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/metrics.h"
#include "tools/report/compared_planes.h"

namespace n2s {

/// The figures of one image: "noisy", "restored", ...
struct NamedMetrics {
  std::string name;
  StackMetrics metrics;
};

/// PSNR, SSIM and NRMSE with 95 % confidence intervals. HTML.
std::string metrics_table(const std::vector<NamedMetrics>& measured);

/// PSNR and SSIM by plane; `first` is the position of the first plane, `step` the distance to the next. HTML.
std::string metrics_curves(const std::vector<NamedMetrics>& measured, int first, int step);

/// What n2s evaluate has found.
struct EvaluationReport {
  std::string result, truth;  // the files
  std::string how;            // the figures were made
  StackMetrics metrics;
  ComparedPlanes planes;  // result, truth, their difference
};
/// Throws Error.
void write_evaluation_report(const std::filesystem::path& file, const EvaluationReport& report, bool overwrite);

}  // namespace n2s
