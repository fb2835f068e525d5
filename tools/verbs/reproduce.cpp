// See reproduce.h.
#include "tools/verbs/reproduce.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "data/atomic_file.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/experiment_report.h"
#include "tools/experiments/result_table.h"
#include "tools/experiments/stored_experiment.h"
#include "tools/json_output.h"
#include "tools/run_lock.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct ReproduceOptions {
  CommonOptions common;
  ExperimentOptions experiment;
  std::string kind, data, folder, segmentation, scale = "quick";
};

void write_text(const fs::path& file, const std::string& text) {
  write_file_atomically(file, std::as_bytes(std::span(text)));
}

void print(const ReproduceOptions& o, const std::vector<SystemResult>& results, const std::vector<TableRow>& rows) {
  const std::vector<ObjectsRow> objects = objects_of(o.kind, results);
  std::string how;
  for (const SystemResult& result : results)
    if (!result.how.empty()) how = result.how;
  if (o.common.json) {
    print_json({{"experiment", o.kind},
                {"data", o.data},
                {"scale", o.scale},
                {"how", how},
                {"table", table_json(rows)},
                {"segmentation", objects_json(objects)}});
    return;
  }
  fmt::print("{}{}means over test planes and seeds; {}\nmore: {}, table.csv, planes.csv, figures/\n", table_text(rows),
             objects_text(objects), how, (fs::path(o.folder) / "report.html").string());
}

/// The tables and the page: of everything in the folder, also of methods and seeds that this call did not ask for.
void write_files(const ReproduceOptions& o, const std::vector<SystemResult>& results) {
  std::vector<SystemResult> shown;
  for (const SystemResult& result : results)
    if (!result.error.empty()) shown.push_back(result);
  if (shown.size() < results.size()) {
    std::vector<SystemResult> stored = load_experiment(o.folder).results;
    shown.insert(shown.begin(), std::make_move_iterator(stored.begin()), std::make_move_iterator(stored.end()));
  }
  write_text(fs::path(o.folder) / "table.csv", table_csv(table_of(o.kind, shown)));
  write_text(fs::path(o.folder) / "planes.csv", planes_csv(shown));
  write_experiment_report({o.kind, o.data, o.scale, o.folder, shown});
}

void refuse_failures(const std::vector<SystemResult>& results) {
  std::string failed;
  for (const SystemResult& result : results)
    if (!result.error.empty())
      failed += fmt::format("{}{} (seed {}): {}", failed.empty() ? "" : "; ", result.system, result.seed, result.error);
  if (!failed.empty()) throw Error(fmt::format("{}; the same command again retries", failed));
}

void reproduce(const ReproduceOptions& o) {
  const ExperimentScale scale = experiment_scale(o.scale);
  const StoredDataSet data = open_data_set(o.data);
  if (data.kind != o.kind)
    throw Error(fmt::format("{}: a data set of n2s prepare {}, not {}", o.data, data.kind, o.kind));
  ExperimentOptions experiment = o.experiment;
  experiment.segmentation = o.segmentation;
  experiment.replace = o.common.force;
  const RunLock lock(o.folder);
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const std::vector<SystemResult> results = run_experiment({data, scale, o.common, device, pool}, experiment, o.folder);
  write_files(o, results);
  print(o, results, table_of(o.kind, results));
  refuse_failures(results);
}

}  // namespace

void add_reproduce(Program& program) {
  auto options = std::make_shared<ReproduceOptions>();
  ReproduceOptions& o = *options;
  Verb verb = program.add_verb("reproduce",
                               "Run one of the paper's experiments: its Table 1 and figures from your data, as a page");
  verb.option("KIND", o.kind, "mri or microscopy").required().one_of({"mri", "microscopy"});
  verb.option("DATA", o.data, "The data set, which n2s prepare has written").required();
  verb.option("-o,--output", o.folder, "Folder for models, logs, figures and tables").required();
  verb.option("--scale", o.scale,
              "Training of each network: quick (600 steps of 16 images of 64x64), paper (100 epochs of whole planes), "
              "or a number of steps")
      .show_default();
  verb.option("--seeds", o.experiment.seeds, "Train each network so many times").between(1L, 100L).show_default();
  verb.option("--methods", o.experiment.methods,
              fmt::format("Only these: of mri {}; of microscopy {} (default: the paper's)", system_names("mri"),
                          system_names("microscopy")));
  verb.option("--segmentation", o.segmentation,
              "microscopy: a run or model that segments nuclei, for the downstream check (default: one is trained on "
              "the planes with little noise and their Otsu masks)");
  verb.heading("Common");
  add_device_options(verb, o.common);
  add_threads_option(verb, o.common);
  add_report_options(verb, o.common);
  verb.footer(
      "Interrupt it at any moment: the same command again continues, also with more seeds or methods. --force begins "
      "anew.\n"
      "Examples:\n"
      "  n2s reproduce mri mri.h5 -o mri --seeds 3\n"
      "  n2s reproduce microscopy plate.h5 -o plate --scale paper --device cuda --precision fp16");
  verb.on_run([options] { reproduce(*options); });
}

}  // namespace n2s
