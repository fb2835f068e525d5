// PSNR, SSIM and NRMSE in double throughout; see the header for the sources.
#include "data/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr auto kWindow = static_cast<std::size_t>(kSsimWindow);

using Values = std::vector<double>;

double mean_of(const Values& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// alpha x + beta with the least squared error to the truth. A constant image is found by comparing its values: its
// computed variance is rounding noise, and dividing by that would give any alpha.
void map_onto(Values& result, const Values& truth) {
  const double truth_mean = mean_of(truth), result_mean = mean_of(result);
  const auto [low, high] = std::minmax_element(result.begin(), result.end());
  double alpha = 0;
  if (*low < *high) {
    double covariance = 0, variance = 0;
    for (std::size_t i = 0; i < result.size(); ++i) {
      covariance += (result[i] - result_mean) * (truth[i] - truth_mean);
      variance += (result[i] - result_mean) * (result[i] - result_mean);
    }
    alpha = covariance / variance;
  }
  const double beta = truth_mean - alpha * result_mean;
  for (double& value : result) value = alpha * value + beta;
}

// Running sums: one per column over seven rows, and over seven of those along the row. Only windows inside the image
// are looked at, which is what cropping scikit-image's border leaves.
double mean_ssim(const Values& result, const Values& truth, std::size_t height, std::size_t width, double range) {
  if (height < kWindow || width < kWindow) return std::numeric_limits<double>::quiet_NaN();
  const auto add_row = [&](std::vector<SsimMoments>& columns, std::size_t row, double sign) {
    for (std::size_t column = 0; column < width; ++column) {
      const double x = result[row * width + column], y = truth[row * width + column];
      columns[column].add(ssim_moments(x, y), sign);
    }
  };
  std::vector<SsimMoments> columns(width);
  double total = 0;
  for (std::size_t row = 0; row < height; ++row) {
    add_row(columns, row, 1);
    if (row + 1 < kWindow) continue;
    SsimMoments sums;
    for (std::size_t column = 0; column < width; ++column) {
      sums.add(columns[column], 1);
      if (column + 1 < kWindow) continue;
      total += ssim_of(sums, range);
      sums.add(columns[column + 1 - kWindow], -1);
    }
    add_row(columns, row + 1 - kWindow, -1);
  }
  return total / static_cast<double>((height - kWindow + 1) * (width - kWindow + 1));
}

void check_options(const MetricOptions& options) {
  if (!(options.data_range > 0) || !std::isfinite(options.data_range))
    throw Error(fmt::format("metrics: the data range is {:g}: it must be above 0", options.data_range));
  if (options.clamp && !(options.clamp_low < options.clamp_high)) {
    throw Error(fmt::format("metrics: the lower clamp {:g} is not below the upper, {:g}", options.clamp_low,
                            options.clamp_high));
  }
}

void check_plane(std::size_t result, std::size_t truth, int height, int width, const MetricOptions& options) {
  check_options(options);
  if (height <= 0 || width <= 0) throw Error(fmt::format("metrics: a plane of {} x {} pixels", height, width));
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  if (result != pixels || truth != pixels) {
    throw Error(fmt::format("metrics: planes of {} x {} pixels, but {} values of the result and {} of the truth",
                            height, width, result, truth));
  }
}

Summary summarise(const std::vector<PlaneMetrics>& planes, double PlaneMetrics::*member) {
  Summary summary;
  const double count = static_cast<double>(planes.size());
  for (const PlaneMetrics& plane : planes) summary.mean += plane.*member / count;
  if (planes.size() < 2) return summary;
  double squares = 0;
  for (const PlaneMetrics& plane : planes) squares += std::pow(plane.*member - summary.mean, 2);
  summary.sd = std::sqrt(squares / (count - 1));
  summary.ci95 = 1.96 * summary.sd / std::sqrt(count);
  return summary;
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json curve(const std::vector<PlaneMetrics>& planes, double PlaneMetrics::*member) {
  nlohmann::json values = nlohmann::json::array();
  for (const PlaneMetrics& plane : planes) values.push_back(number(plane.*member));
  return values;
}

}  // namespace

PlaneMetrics plane_metrics(std::span<const float> result, std::span<const float> truth, int height, int width,
                           const MetricOptions& options) {
  check_plane(result.size(), truth.size(), height, width, options);
  const auto rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  Values mapped(result.begin(), result.end()), expected(truth.begin(), truth.end());
  if (options.affine) map_onto(mapped, expected);
  if (options.clamp) {
    for (double& value : mapped) value = std::clamp(value, options.clamp_low, options.clamp_high);
    for (double& value : expected) value = std::clamp(value, options.clamp_low, options.clamp_high);
  }
  MetricSums sums;
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    sums.errors += (mapped[i] - expected[i]) * (mapped[i] - expected[i]);
    sums.energy += expected[i] * expected[i];
  }
  sums.ssim = mean_ssim(mapped, expected, rows, columns, options.data_range);
  return metrics_of(sums, height, width, options.data_range);
}

PlaneMetrics metrics_of(const MetricSums& sums, int height, int width, double data_range) {
  return {psnr_of(sums, static_cast<double>(height) * width, data_range), sums.ssim, nrmse_of(sums)};
}

void check_comparable(const Stack& result, const Stack& truth, const MetricOptions& options) {
  if (result.planes != truth.planes || result.height != truth.height || result.width != truth.width) {
    throw Error(
        fmt::format("metrics: the result is {} planes of {} x {} pixels, the truth {} of {} x {}: both must "
                    "show the same region",
                    result.planes, result.height, result.width, truth.planes, truth.height, truth.width));
  }
  if (truth.planes <= 0) throw Error("metrics: there are no planes to compare");
  const std::size_t planes = static_cast<std::size_t>(truth.planes);
  if (truth.voxels.size() % planes != 0 || result.voxels.size() != truth.voxels.size())
    throw Error("metrics: a stack's voxels do not fill its planes");
  const std::size_t size = truth.voxels.size() / planes;
  check_plane(size, size, truth.height, truth.width, options);
}

StackMetrics with_summaries(std::vector<PlaneMetrics> planes) {
  StackMetrics metrics;
  metrics.per_plane = std::move(planes);
  metrics.psnr = summarise(metrics.per_plane, &PlaneMetrics::psnr);
  metrics.ssim = summarise(metrics.per_plane, &PlaneMetrics::ssim);
  metrics.nrmse = summarise(metrics.per_plane, &PlaneMetrics::nrmse);
  return metrics;
}

StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options) {
  check_comparable(result, truth, options);
  const auto planes = static_cast<std::size_t>(truth.planes);
  const std::size_t size = truth.voxels.size() / planes;
  const std::span<const float> results(result.voxels), truths(truth.voxels);
  std::vector<PlaneMetrics> per_plane;
  for (std::size_t plane = 0; plane < planes; ++plane) {
    per_plane.push_back(plane_metrics(results.subspan(plane * size, size), truths.subspan(plane * size, size),
                                      truth.height, truth.width, options));
  }
  return with_summaries(std::move(per_plane));
}

std::string describe(const MetricOptions& options) {
  const std::string clamp =
      options.clamp ? fmt::format("both clamped to [{:g}, {:g}]", options.clamp_low, options.clamp_high) : "no clamp";
  return fmt::format("data range {:g}, {}, {}, mean over planes", options.data_range, clamp,
                     options.affine ? "result affinely mapped onto the truth per plane" : "no affine map");
}

nlohmann::json metrics_json(const StackMetrics& metrics, const MetricOptions& options) {
  const auto three = [&](double Summary::*part) {
    return nlohmann::json{{"psnr", number(metrics.psnr.*part)},
                          {"ssim", number(metrics.ssim.*part)},
                          {"nrmse", number(metrics.nrmse.*part)}};
  };
  nlohmann::json json = three(&Summary::mean);
  json["sd"] = three(&Summary::sd);
  json["ci95"] = three(&Summary::ci95);
  json["planes"] = metrics.per_plane.size();
  json["per_plane"] = {{"psnr", curve(metrics.per_plane, &PlaneMetrics::psnr)},
                       {"ssim", curve(metrics.per_plane, &PlaneMetrics::ssim)},
                       {"nrmse", curve(metrics.per_plane, &PlaneMetrics::nrmse)}};
  json["how"] = {{"range", options.data_range},
                 {"clamp", nullptr},
                 {"affine", options.affine},
                 {"aggregation", "mean over planes"}};
  if (options.clamp) json["how"]["clamp"] = nlohmann::json::array({options.clamp_low, options.clamp_high});
  return json;
}

}  // namespace n2s
