// Makes the page of runs, of an experiment, or of several beside each other.
#include "tools/verbs/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/experiments/experiment_report.h"
#include "tools/experiments/stored_experiment.h"
#include "tools/json_output.h"
#include "tools/report/page.h"
#include "tools/report/run_report.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  CommonOptions common;
  std::vector<std::string> runs;
  std::string page;
};

void report_experiments(const ReportOptions& o) {
  std::vector<ExperimentReport> reports;
  for (const std::string& folder : o.runs) {
    StoredExperiment stored = load_experiment(folder);
    reports.push_back({stored.experiment, stored.data, stored.scale, folder, std::move(stored.results), o.page});
  }
  if (reports.size() == 1)
    write_experiment_report(reports.front());
  else
    write_experiments_report(reports, o.page);
}

void report_runs(const ReportOptions& o) {
  std::vector<ReportedRun> runs;
  for (const std::string& folder : o.runs)
    for (ReportedRun& run : runs_in(folder)) runs.push_back(std::move(run));
  const std::string title = runs.size() == 1 ? "Run " + runs.front().name : "Runs side by side";
  write_run_report(o.page, title, runs, o.common.force);
}

void report(const ReportOptions& o) {
  check_page_path(o.page, o.common.force);
  const auto is_experiment = [](const std::string& folder) { return fs::exists(fs::path(folder) / "experiment.json"); };
  const auto experiments = std::count_if(o.runs.begin(), o.runs.end(), is_experiment);
  if (experiments != 0 && experiments != std::ssize(o.runs))
    throw Error(
        "runs and experiments cannot be compared; of an experiment name the folders of its systems, such as "
        "OUT/4-seed1");
  if (experiments > 0)
    report_experiments(o);
  else
    report_runs(o);
  if (o.common.json) print_json({{"files", {{"report", o.page}}}});
  say(o.common, "{}: written; open it in a browser", o.page);
}

}  // namespace

void add_report(Program& program) {
  auto options = std::make_shared<ReportOptions>();
  Verb verb = program.add_verb("report", "Make a page of a run, of an experiment, or of several side by side");
  verb.option("RUN", options->runs, "Folders of runs (n2s train, restore, demo) or of experiments (n2s reproduce)")
      .required();
  verb.option("-o,--output", options->page, "The page (.html), one file that needs nothing else").required();
  add_report_options(verb, options->common);
  verb.footer(
      "Examples:\n"
      "  n2s report restored.tif.run -o report.html          one run: planes before and after, losses, settings\n"
      "  n2s report run1 run2 -o report.html                 what differs between two\n"
      "  n2s report brains/4-seed1 brains/4-seed2 -o s.html  two seeds of an experiment's system");
  verb.on_run([options] { report(*options); });
}

}  // namespace n2s
