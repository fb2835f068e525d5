// See experiment_charts.h.
#include "tools/experiments/experiment_charts.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "tools/experiments/result_table.h"
#include "tools/training_log.h"

namespace n2s {
namespace {

/// The same in all charts. The truth is last: its grey suits it.
int colour_of(const ExperimentReport& report, const System& system) {
  int place = 0;
  for (const System& other : systems(report.experiment)) {
    if (&other == &system) break;
    place += other.work == Work::segmentation || other.name == "truth" ? 0 : 1;
  }
  constexpr int kGrey = 7;
  return system.name == "truth" ? kGrey : place;
}

/// Figure 4.
std::optional<NamedChart> planes_chart(const std::vector<TableRow>& rows) {
  Chart chart{"PSNR against the number of planes", "planes that the network sees", "PSNR, dB", {}, true, false};
  for (const bool is_odd : {false, true})
    for (const bool is_post : {false, true}) {
      ChartSeries series;
      series.name = fmt::format("{}{}", is_odd ? "the plane itself too, learned from a second copy" : "self-supervised",
                                is_post ? ", with data consistency" : "");
      series.is_dashed = is_post;
      for (const TableRow& row : rows) {
        const bool belongs = row.system->method == "noise2stack" || row.system->method == "noise2noise";
        if (!belongs || (row.system->planes % 2 == 1) != is_odd || (is_post && !row.post)) continue;
        series.x.push_back(row.system->planes);
        series.y.push_back(is_post ? row.post->psnr : row.mean.psnr);
      }
      if (series.x.size() > 1) chart.series.push_back(std::move(series));
    }
  if (chart.series.empty()) return std::nullopt;
  return NamedChart{"planes", std::move(chart), "PSNR against the number of planes that the network sees (figure 4)."};
}

/// Means over stacks and seeds at each position, with a 95 % band.
template <class Value>
ChartSeries by_position(const std::string& name, const std::vector<SystemResult>& results, std::string_view system,
                        Value&& values_of) {
  std::map<std::size_t, std::vector<double>> at;
  for (const SystemResult& result : results) {
    if (result.system != system) continue;
    for (const SystemResult::OfStack& stack : result.stacks) {
      const std::vector<double> values = values_of(stack);
      for (std::size_t p = 0; p < values.size(); ++p)
        if (std::isfinite(values[p])) at[p].push_back(values[p]);
    }
  }
  ChartSeries series;
  series.name = name;
  for (const auto& [position, values] : at) {
    double mean = 0;
    double squares = 0;
    const auto n = static_cast<double>(values.size());
    for (const double v : values) mean += v / n;
    for (const double v : values) squares += (v - mean) * (v - mean);
    const double half = n > 1 ? 1.96 * std::sqrt(squares / (n - 1) / n) : 0;
    series.x.push_back(static_cast<double>(position + 1));
    series.y.push_back(mean);
    series.low.push_back(mean - half);
    series.high.push_back(mean + half);
  }
  return series;
}

template <class Value>
Chart position_chart(const ExperimentReport& report, const std::string& title, const std::string& y_label,
                     Value&& values_of) {
  Chart chart{title, "position of the plane", y_label, {}, true, false};
  for (const System& system : systems(report.experiment)) {
    ChartSeries series = by_position(std::string(system.title), report.results, system.name, values_of);
    series.colour = colour_of(report, system);
    if (series.x.size() > 30) chart.has_points = false;
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  return chart;
}

std::vector<double> psnr_of(const std::vector<PlaneMetrics>& planes) {
  std::vector<double> values;
  values.reserve(planes.size());
  for (const PlaneMetrics& plane : planes) values.push_back(plane.psnr);
  return values;
}

/// Of the runs with seed 1.
std::optional<NamedChart> loss_chart(const ExperimentReport& report) {
  Chart chart{"Training loss", "step", "mean squared error", {}, false, true};
  for (const System& system : systems(report.experiment)) {
    if (system.work != Work::network) continue;
    TrainingLog log(report.folder_of(system) / "log.jsonl");
    log.load(std::numeric_limits<long>::max());
    ChartSeries series;
    series.name = system.title;
    series.colour = colour_of(report, system);
    for (const TrainingRecord& record : log.records()) {
      series.x.push_back(static_cast<double>(record.step));
      series.y.push_back(record.loss);
    }
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  if (chart.series.empty()) return std::nullopt;
  return NamedChart{"loss", std::move(chart),
                    "Training losses, seed 1. What each system is to predict differs, so only the shapes compare."};
}

}  // namespace

std::vector<NamedChart> experiment_charts(const ExperimentReport& report) {
  std::vector<NamedChart> charts;
  if (auto chart = planes_chart(table_of(report.experiment, report.results))) charts.push_back(std::move(*chart));
  const auto add = [&](const char* name, Chart chart, const char* caption) {
    if (!chart.series.empty()) charts.push_back({name, std::move(chart), caption});
  };
  add("position",
      position_chart(report, "PSNR against the plane's position", "PSNR, dB",
                     [](const SystemResult::OfStack& stack) { return psnr_of(stack.planes); }),
      "PSNR against the position of the plane, with a 95 % band over test stacks and seeds (figure 5).");
  add("position-data-consistency",
      position_chart(report, "PSNR with data consistency against the plane's position", "PSNR, dB",
                     [](const SystemResult::OfStack& stack) { return psnr_of(stack.post); }),
      "The same with k-space data consistency.");
  add("dice",
      position_chart(report, "Dice against the plane's position", "Dice",
                     [](const SystemResult::OfStack& stack) {
                       std::vector<double> values;
                       for (const SystemResult::Objects& plane : stack.objects) values.push_back(plane.dice);
                       return values;
                     }),
      "Dice of the segmented objects with the truth's masks, by position.");
  add("objects",
      position_chart(report, "Objects against the plane's position", "objects in a plane",
                     [](const SystemResult::OfStack& stack) {
                       std::vector<double> values;
                       for (const SystemResult::Objects& plane : stack.objects) values.push_back(plane.count);
                       return values;
                     }),
      "Number of segmented objects, by position.");
  if (auto chart = loss_chart(report)) charts.push_back(std::move(*chart));
  return charts;
}

}  // namespace n2s
