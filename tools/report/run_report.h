// The page of training runs: one, or several side by side. What they have learned from, how, how the loss fell, and
// planes before and after.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/report/chart.h"

namespace n2s {

/// A network's run.
struct ReportedRun {
  std::string name;
  std::filesystem::path folder;
};

/// The networks of a run's folder: one, or one for each channel. Throws Error where the folder holds no run.
std::vector<ReportedRun> runs_in(const std::filesystem::path& folder);

/// Parts of a page, HTML. `first_viewer` numbers the page's viewers from there on.
std::string run_pictures(const std::vector<ReportedRun>& runs, int first_viewer);
std::string run_curves(const std::vector<ReportedRun>& runs);
std::string run_settings(const std::vector<ReportedRun>& runs);

/// All of them, as a file. Throws Error.
void write_run_report(const std::filesystem::path& file, const std::string& title, const std::vector<ReportedRun>& runs,
                      bool overwrite);

}  // namespace n2s
