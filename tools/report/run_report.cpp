// See run_report.h.
#include "tools/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"
#include "tools/report/compared_planes.h"
#include "tools/report/example_planes.h"
#include "tools/report/html.h"
#include "tools/report/page.h"
#include "tools/training_log.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_damaged(const ReportedRun& run) {
  throw Error(fmt::format("{}: damaged; train again, or remove it", (run.folder / "run.json").string()));
}

/// What the run has written when it ended; null where it has not.
nlohmann::json record_of(const ReportedRun& run) {
  std::ifstream file(run.folder / "run.json");
  if (!file) return nullptr;
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    nlohmann::json record = parse_json(text);
    if (!record.is_object()) refuse_damaged(run);
    return record;
  } catch (const nlohmann::json::exception&) {
    refuse_damaged(run);
  }
}

/// Which planes the pictures show.
struct ShownPlanes {
  std::vector<std::string> names;
  std::string target;  // of the target's picture
};
ShownPlanes shown_planes(const ReportedRun& run, const nlohmann::json& record) {
  constexpr int kMostPlanes = 1 << 30;
  try {
    const nlohmann::json& shown = record.at("shown");
    const int planes = shown.at("planes").get<int>();
    if (planes < 1 || planes > kMostPlanes) refuse_damaged(run);
    return {example_names(planes), shown.at("target").get<std::string>()};
  } catch (const nlohmann::json::exception&) {
    refuse_damaged(run);
  }
}

std::vector<TrainingRecord> log_of(const ReportedRun& run) {
  TrainingLog log(run.folder / "log.jsonl");
  log.load(std::numeric_limits<long>::max());
  return log.records();
}

/// A number or a text as the table shows it.
std::string text_of(const nlohmann::json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return json_text(value);
}

/// A line of the table of settings: its label, and where the value is in run.json.
struct Setting {
  const char* label;
  const char* pointer;
};
constexpr Setting kSettings[] = {
    {"method", "/configuration/method"},
    {"input planes", "/configuration/planes"},
    {"planes skipped beside the target", "/configuration/gap"},
    {"network", "/configuration/network"},
    {"hidden pixels", "/configuration/blind_spots/mask"},
    {"hidden pixels are replaced by", "/configuration/blind_spots/replace"},
    {"simulated noise", "/configuration/noise"},
    {"normalisation", "/configuration/normalisation/kind"},
    {"training stacks", "/settings/stacks"},
    {"image height, pixels", "/settings/crop/0"},
    {"image width, pixels", "/settings/crop/1"},
    {"images in a step", "/settings/batch"},
    {"largest shift, pixels", "/settings/max_shift"},
    {"rotations and flips", "/settings/orientations"},
    {"learning rate", "/settings/learning_rate"},
    {"its schedule", "/settings/schedule"},
    {"loss", "/settings/loss"},
    {"seed", "/settings/seed"},
    {"steps", "/steps"},
    {"epochs", "/epochs"},
    {"training, s (since it was last resumed)", "/train_seconds"},
    {"loss at the end", "/loss"},
    {"lowest validation loss", "/best_validation"},
    {"at step", "/best_step"},
    {"kept model: of step", "/kept/step"},
    {"because it is", "/kept/why"},
    {"device", "/settings/device"},
    {"n2s", "/settings/version"},
};

nlohmann::json record_or_configuration(const ReportedRun& run) {
  nlohmann::json record = record_of(run);
  if (!record.is_null()) return record;
  record["configuration"] = load_configuration((run.folder / "last.safetensors").string());
  const std::vector<TrainingRecord> log = log_of(run);
  if (!log.empty()) record["steps"] = log.back().step;
  record["kept"]["why"] = "the run has not ended";
  return record;
}

ChartSeries series_of(const ReportedRun& run, bool is_validation) {
  ChartSeries series;
  series.name = run.name;
  for (const TrainingRecord& record : log_of(run)) {
    if (is_validation && !record.validation) continue;
    series.x.push_back(static_cast<double>(record.step));
    series.y.push_back(is_validation ? *record.validation : record.loss);
  }
  return series;
}

/// Planes of a run's first stack. None: it has not ended.
std::optional<ComparedPlanes> planes_of(const ReportedRun& run) {
  std::optional<Stack> input = read_example(run.folder / "shown-input.tif");
  std::optional<Stack> restored = read_example(run.folder / "shown-restored.tif");
  const nlohmann::json record = record_of(run);
  if (!input || !restored || record.is_null()) return std::nullopt;
  const ShownPlanes shown = shown_planes(run, record);
  ComparedPlanes compared;
  compared.names = shown.names;
  compared.states.push_back({"noisy", std::move(*input)});
  if (std::optional<Stack> target = read_example(run.folder / "shown-target.tif"))
    compared.states.push_back({shown.target, std::move(*target)});
  compared.states.push_back({"restored", std::move(*restored)});
  const auto fits = [&](const ComparedState& state) {
    return static_cast<std::size_t>(state.planes.planes) == compared.names.size();
  };
  if (!std::all_of(compared.states.begin(), compared.states.end(), fits)) return std::nullopt;
  return compared;
}

/// Whether both show the same planes before they were restored, but for the rounding of what the networks got.
bool same_input(const ComparedPlanes& one, const ComparedPlanes& other) {
  const Stack& a = one.states.front().planes;
  const Stack& b = other.states.front().planes;
  if (one.names != other.names || a.height != b.height || a.width != b.width) return false;
  const auto [low, high] = std::minmax_element(a.voxels.begin(), a.voxels.end());
  const float rounding = 1e-4F * (*high - *low);
  return std::equal(a.voxels.begin(), a.voxels.end(), b.voxels.begin(), b.voxels.end(),
                    [&](float x, float y) { return std::abs(x - y) <= rounding; });
}

/// The runs that restored the same planes, together.
struct Comparison {
  std::vector<std::string> names;
  ComparedPlanes planes;
};
std::vector<Comparison> comparisons(const std::vector<ReportedRun>& runs) {
  std::vector<Comparison> all;
  for (const ReportedRun& run : runs) {
    std::optional<ComparedPlanes> planes = planes_of(run);
    if (!planes) continue;
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Comparison& other) { return same_input(other.planes, *planes); });
    if (same == all.end()) {
      if (runs.size() > 1) planes->states.back().name = "restored: " + run.name;
      all.push_back({{run.name}, std::move(*planes)});
    } else {
      same->names.push_back(run.name);
      same->planes.states.push_back({"restored: " + run.name, std::move(planes->states.back().planes)});
    }
  }
  return all;
}

}  // namespace

std::vector<ReportedRun> runs_in(const fs::path& folder) {
  std::vector<ReportedRun> runs;
  const std::string name = folder.filename().empty() ? folder.parent_path().string() : folder.string();
  for (int channel = 0; fs::exists(folder / fmt::format("channel{}/last.safetensors", channel)); ++channel)
    runs.push_back({fmt::format("{}, channel {}", name, channel), folder / fmt::format("channel{}", channel)});
  if (!runs.empty()) return runs;
  if (!fs::exists(folder / "last.safetensors"))
    throw Error(fmt::format("{}: no run here; give the folder of n2s train or of n2s restore", folder.string()));
  return {{name, folder}};
}

std::string run_pictures(const std::vector<ReportedRun>& runs, int first_viewer) {
  std::string html;
  for (const Comparison& one : comparisons(runs)) {
    std::string of;
    for (const std::string& name : one.names) of += (of.empty() ? "" : ", ") + name;
    html +=
        fmt::format("<h2>Before and after{}</h2>\n<p>Planes of the first stack that the network learned from{}.</p>\n",
                    runs.size() > 1 ? ": " + escaped(of) : "",
                    one.planes.states.front().planes.height == kShownSide ? ", their middle" : "");
    html += compared_viewer(one.planes, "Before and after: " + of, 0, one.planes.states.size() - 1, first_viewer++);
    if (const std::string details = compared_details(one.planes); !details.empty())
      html +=
          "<h3>Details and frequencies</h3>\n<p>The middle plane: a part of it enlarged, and the logarithm of its "
          "frequencies' magnitudes, the lowest in the middle.</p>\n" +
          details;
  }
  return html;
}

std::string run_curves(const std::vector<ReportedRun>& runs) {
  std::string html;
  for (const bool is_validation : {false, true}) {
    Chart chart{
        is_validation ? "Validation loss" : "Training loss", "step", "mean squared error", {}, is_validation, true};
    for (const ReportedRun& run : runs)
      if (ChartSeries series = series_of(run, is_validation); !series.x.empty())
        chart.series.push_back(std::move(series));
    if (chart.series.empty()) continue;
    html += chart_figure(
        chart,
        is_validation
            ? "Validation loss, on planes that are held out. Their targets are noisy, too, so it does not fall to 0."
            : "Training loss, means between two records. Losses of networks that predict different "
              "things, or whose normalisation differs, do not compare.");
  }
  return html.empty() ? html : "<h2>Training</h2>\n" + html;
}

std::string run_settings(const std::vector<ReportedRun>& runs) {
  std::vector<std::string> heading{"run"};
  std::vector<nlohmann::json> records;
  for (const ReportedRun& run : runs) {
    heading.push_back(escaped(run.name));
    records.push_back(record_or_configuration(run));
  }
  std::vector<std::vector<std::string>> rows;
  for (const Setting& setting : kSettings) {
    std::vector<std::string> row{setting.label};
    bool is_known = false;
    for (const nlohmann::json& record : records) {
      const nlohmann::json::json_pointer pointer(setting.pointer);
      row.push_back(record.contains(pointer) ? escaped(text_of(record.at(pointer))) : "");
      is_known = is_known || !row.back().empty();
    }
    if (is_known) rows.push_back(std::move(row));
  }
  std::string html = "<h2>How it was made</h2>\n" + table_html(heading, rows);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!records[i].contains("advice") || !records[i]["advice"].is_object()) continue;
    html += fmt::format("<p>By inspection{}:</p>\n<ul>\n", runs.size() > 1 ? " of " + escaped(runs[i].name) : "");
    for (const char* kind : {"warnings", "reasons"})
      for (const nlohmann::json& line : records[i]["advice"].value(kind, nlohmann::json::array()))
        html += fmt::format("<li>{}</li>\n", escaped(text_of(line)));
    html += "</ul>\n";
  }
  return html;
}

void write_run_report(const fs::path& file, const std::string& title, const std::vector<ReportedRun>& runs,
                      bool overwrite) {
  const std::string html = page_html(title, run_pictures(runs, 1) + run_curves(runs) + run_settings(runs));
  write_file_atomically(file, std::as_bytes(std::span(html)), overwrite);
}

}  // namespace n2s
