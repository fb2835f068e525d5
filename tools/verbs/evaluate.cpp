// Reads two files, scales them if asked to, and prints their metrics.
#include "tools/verbs/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/voxel_statistics.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/measuring.h"
#include "tools/ranks/rank_options.h"
#include "tools/ranks/shared_work.h"
#include "tools/report/compared_planes.h"
#include "tools/report/example_planes.h"
#include "tools/report/metrics_report.h"
#include "tools/report/page.h"
#include "tools/stack_stream.h"

namespace n2s {
namespace {

struct EvaluateOptions {
  CommonOptions common;
  InputOptions input;
  MetricOptions metrics;
  std::string result, truth, page, scale = "none";
  std::vector<double> clamp;
  std::optional<double> range;
  int middle = 0;
};

NormalisationOptions scale_options(const EvaluateOptions& o) {
  NormalisationOptions options;
  options.kind = o.scale == "max" ? "range" : "percentile";
  options.low_percentile = 0.1;
  options.high_percentile = 99.9;
  return options;
}

std::string describe_scale(const EvaluateOptions& o, const Normalisation& n) {
  return fmt::format("{} of the truth (value * {:.6g} + {:.6g})", o.scale, n.scale, n.offset);
}

/// Scales truth and result as for published figures. Returns a description of the scaling.
std::string scale(const EvaluateOptions& o, Stack& result, Stack& truth, const Device& device) {
  if (o.scale == "none") return "none";
  const Normalisation normalisation = fit_normalisation({&truth}, scale_options(o), device, o.common);
  apply_normalisation(normalisation, truth.voxels);
  apply_normalisation(normalisation, result.voxels);
  return describe_scale(o, normalisation);
}

/// The planes of all stacks of a file, one stack after the other.
Stack load_planes(const std::string& path, const EvaluateOptions& o) {
  LoadedFile file = load_file(path, o.input, o.common);
  Stack all = middle_planes(std::move(file.stacks.front()), o.middle);
  for (std::size_t i = 1; i < file.stacks.size(); ++i) {
    const Stack next = middle_planes(std::move(file.stacks[i]), o.middle);
    all.planes += next.planes;
    all.voxels.insert(all.voxels.end(), next.voxels.begin(), next.voxels.end());
  }
  return all;
}

/// Whether both files are read a few planes at a time. Percentiles are exact for samples of 8 and 16 bits alone.
bool streams(const EvaluateOptions& o, const OpenFile& result, const OpenFile& truth) {
  const bool exact = o.scale != "percentile" || (is_integer(truth.image.type) && sample_bytes(truth.image.type) <= 2);
  return is_large(result) && is_large(truth) && o.middle == 0 && exact;
}

/// "8x32x32 voxels", or "3 stacks of 8x32x32 voxels".
std::string describe_size(const OpenFile& file) {
  const Stack shape = stack_shape(file.image, file.selected.stacks.front());
  const std::size_t stacks = file.selected.stacks.size();
  return fmt::format("{}{}x{}x{} voxels", stacks > 1 ? fmt::format("{} stacks of ", stacks) : "", shape.planes,
                     shape.height, shape.width);
}

/// Of a plane of the truth, where no option says what its values mean: PSNR and SSIM of counts for a range of 1 are of
/// no use.
void warn_of_other_range(const EvaluateOptions& o, std::span<const float> plane) {
  constexpr double kMost = 4;
  constexpr double kLeast = 0.1;
  if (o.range || o.scale != "none" || !o.clamp.empty()) return;
  const auto [low, high] = std::minmax_element(plane.begin(), plane.end());
  const double span = double{*high} - *low;
  if (span == 0 || (span <= kMost && span >= kLeast)) return;
  warn(
      "{}: values from {:.6g} to {:.6g}, but PSNR and SSIM are for a data range of 1; give --range ({:.3g} here) or "
      "--scale max",
      o.truth, *low, *high, span);
}

void check_same_size(const EvaluateOptions& o, const OpenFile& result, const OpenFile& truth) {
  const std::string found = describe_size(result);
  const std::string expected = describe_size(truth);
  if (found != expected)
    throw Error(fmt::format("{} has {}, {} has {}; only stacks of the same size can be compared", o.result, found,
                            o.truth, expected));
}

/// The map of --scale from one pass over the truth.
std::optional<Normalisation> counted_scale(const EvaluateOptions& o, const OpenFile& truth) {
  if (o.scale == "none") return std::nullopt;
  CountedVoxels voxels(truth.image);
  for_each_part(truth, [&](std::size_t stack, int first, Stack& planes) {
    check_finite(planes, truth.name_of(stack), first);
    voxels.add(planes.voxels);
  });
  return fit_normalisation(voxels, scale_options(o));
}

/// Of all ranks' planes, on rank 0.
StackMetrics summarised(ProcessRanks* ranks, std::vector<PlaneMetrics> own) {
  std::vector<PlaneMetrics> planes = joined(ranks, std::move(own));
  return planes.empty() ? StackMetrics{} : with_summaries(std::move(planes));
}

Stack part_of(const Stack& stack, const PlaneRange& range) {
  const auto pixels = static_cast<std::ptrdiff_t>(plane_pixels(stack));
  const auto begin = stack.voxels.begin() + range.first * pixels;
  return {range.count, stack.height, stack.width, {begin, begin + range.count * pixels}};
}

StackMetrics measure_large(const EvaluateOptions& o, const OpenFile& result, const OpenFile& truth,
                           const Device& device, ProcessRanks* ranks, std::string& scaled) {
  const InterruptGuard guard;
  const std::optional<Normalisation> map = counted_scale(o, truth);
  scaled = map ? describe_scale(o, *map) : "none";
  std::vector<PlaneMetrics> planes;
  for_each_part(
      truth,
      [&](std::size_t stack, int first, Stack& expected) {
        Stack found = read_planes(result, stack, first, expected.planes);
        check_finite(found, result.name_of(stack), first);
        check_finite(expected, truth.name_of(stack), first);
        if (map) apply_normalisation(*map, found.voxels);
        if (map) apply_normalisation(*map, expected.voxels);
        const StackMetrics part = stack_metrics(found, expected, o.metrics, device, o.common);
        planes.insert(planes.end(), part.per_plane.begin(), part.per_plane.end());
      },
      ranks);
  return summarised(ranks, std::move(planes));
}

/// Each rank measures its planes.
StackMetrics measure_in_memory(const EvaluateOptions& o, const Stack& result, const Stack& truth, const Device& device,
                               ProcessRanks* ranks) {
  if (ranks == nullptr) return stack_metrics(result, truth, o.metrics, device, o.common);
  const PlaneRange own = own_planes(ranks, truth.planes);
  std::vector<PlaneMetrics> planes;
  if (own.count > 0)
    planes = stack_metrics(part_of(result, own), part_of(truth, own), o.metrics, device, o.common).per_plane;
  return summarised(ranks, std::move(planes));
}

/// The planes that pictures show, counted over all stacks, in the file's units.
Stack shown_planes(const OpenFile& file) {
  std::vector<int> first;  // plane of each stack
  int planes = 0;
  for (std::size_t stack = 0; stack < file.selected.stacks.size(); ++stack) {
    first.push_back(planes);
    planes += stack_shape(file.image, file.selected.stacks[stack]).planes;
  }
  Stack shown;
  for (const int position : example_positions(planes)) {
    const auto after = std::upper_bound(first.begin(), first.end(), position);
    const auto stack = static_cast<std::size_t>(after - first.begin() - 1);
    const Stack plane = shown_part(read_planes(file, stack, position - first[stack], 1));
    shown.height = plane.height;
    shown.width = plane.width;
    shown.voxels.insert(shown.voxels.end(), plane.voxels.begin(), plane.voxels.end());
    ++shown.planes;
  }
  return shown;
}

/// Result, truth and, where both have the same units, their difference.
ComparedPlanes compared(const EvaluateOptions& o, Stack result, Stack truth, std::size_t planes) {
  ComparedPlanes shown;
  shown.names = example_names(static_cast<int>(planes));
  shown.has_one_scale = !o.metrics.affine;
  Stack difference = result;
  for (std::size_t i = 0; i < difference.voxels.size(); ++i) difference.voxels[i] -= truth.voxels[i];
  shown.states.push_back({"result", std::move(result)});
  shown.states.push_back({"truth", std::move(truth)});
  if (o.metrics.affine) return shown;
  shown.difference = "result - truth";
  shown.states.push_back({shown.difference, std::move(difference)});
  return shown;
}

/// Where all planes are identical, PSNR is infinite and has no deviation.
std::string figure(double value, int digits) {
  return std::isnan(value) ? "-" : fmt::format("{:.{}f}", value, digits);
}

void print_row(const std::string& name, double psnr, double ssim, double nrmse) {
  fmt::print("{:>6}{:>12}{:>9}{:>9}\n", name, figure(psnr, 3), figure(ssim, 4), figure(nrmse, 4));
}

void print(const StackMetrics& m, const MetricOptions& options, const std::string& scaled) {
  fmt::print("{:>6}{:>12}{:>9}{:>9}\n", "plane", "PSNR, dB", "SSIM", "NRMSE");
  for (std::size_t i = 0; i < m.per_plane.size(); ++i)
    print_row(fmt::format("{}", i), m.per_plane[i].psnr, m.per_plane[i].ssim, m.per_plane[i].nrmse);
  print_row("mean", m.psnr.mean, m.ssim.mean, m.nrmse.mean);
  print_row("sd", m.psnr.sd, m.ssim.sd, m.nrmse.sd);
  print_row("95 %", m.psnr.ci95, m.ssim.ci95, m.nrmse.ci95);
  fmt::print("n = {}; {}; scaling: {}\n", m.per_plane.size(), describe(options), scaled);
}

void evaluate(EvaluateOptions o, ProcessRanks* ranks) {
  if (ranks != nullptr) o.common = options_of_rank(o.common, *ranks);
  if (!o.clamp.empty()) {
    o.metrics.clamp = true;
    o.metrics.clamp_low = o.clamp[0];
    o.metrics.clamp_high = o.clamp[1];
    if (!(o.clamp[0] < o.clamp[1])) throw Error("--clamp: the first limit must be below the second");
  }
  o.metrics.data_range = o.range.value_or(1);
  if (!(o.metrics.data_range > 0)) throw Error("--range: must be above 0");
  o.common.precision = "fp32";  // --precision is for networks; metrics are computed in double
  if (!o.page.empty()) check_page_path(o.page, o.common.force);
  std::string scaled;
  StackMetrics metrics;
  ComparedPlanes planes;
  const OpenFile open_result = open_file(o.result, o.input);
  const OpenFile open_truth = open_file(o.truth, o.input);
  check_same_size(o, open_result, open_truth);
  warn_of_other_directions(open_result, open_truth);
  const Device device = open_device(o.common);
  if (streams(o, open_result, open_truth)) {
    warn_of_rounding(open_truth);
    const PlanesToRead expected = planes_to_read(open_truth, 0);
    warn_of_other_range(o, expected.read(expected.shape.planes / 2, 1).voxels);
    metrics = measure_large(o, open_result, open_truth, device, ranks, scaled);
    if (!o.page.empty() && is_first(ranks))
      planes = compared(o, shown_planes(open_result), shown_planes(open_truth), open_truth.planes());
  } else {
    Stack result = load_planes(o.result, o);
    Stack truth = load_planes(o.truth, o);
    warn_of_other_range(o, plane_of(truth, truth.planes / 2));
    scaled = scale(o, result, truth, device);
    metrics = measure_in_memory(o, result, truth, device, ranks);
    if (!o.page.empty())
      planes = compared(o, example_planes(result), example_planes(truth), static_cast<std::size_t>(truth.planes));
  }
  if (!is_first(ranks)) return;
  if (!o.page.empty())
    write_evaluation_report(
        o.page,
        {o.result, o.truth, fmt::format("{}; scaling: {}", describe(o.metrics), scaled), metrics, std::move(planes)},
        o.common.force);
  if (!o.common.json) return print(metrics, o.metrics, scaled);
  nlohmann::json json = metrics_json(metrics, o.metrics);
  json["how"]["scaling"] = scaled;
  if (!o.page.empty()) json["files"]["report"] = o.page;
  print_json(json);
}

}  // namespace

void add_evaluate(Program& program) {
  auto options = std::make_shared<EvaluateOptions>();
  Verb verb = program.add_verb("evaluate", "PSNR, SSIM and NRMSE of a result against the truth, per plane", true);
  verb.option("RESULT", options->result, "The restored (or noisy) stack").required();
  verb.option("TRUTH", options->truth, "The clean stack").required();
  verb.option("--clamp", options->clamp, "Clamp both stacks to LOW,HIGH first (the paper's MRI: -0.5,0.5)").pair();
  verb.flag("--affine", options->metrics.affine,
            "First map each plane of the result affinely to the least squared error (the paper's microscopy)");
  verb.option("--range", options->range, "Data range of PSNR and SSIM (default: 1)");
  verb.option(
          "--scale", options->scale,
          "Scale both stacks by the truth first: max (0 and the maximum to -0.5 and 0.5), percentile (0.1st and 99.9th "
          "to 0 and 1) or none")
      .one_of({"none", "max", "percentile"})
      .show_default();
  add_page_option(verb, options->page, "planes beside the truth, and curves over the planes");
  add_input_options(verb, options->input);
  add_middle_option(verb, options->middle);
  add_common_options(verb, options->common);
  verb.footer(
      "Metrics are computed in double precision on every device; --precision has no effect.\n"
      "Examples:\n"
      "  n2s evaluate restored.nii.gz truth.nii.gz --scale max --clamp -0.5,0.5    as in the paper, MRI\n"
      "  n2s evaluate restored.tif truth.tif --scale percentile --affine           as in the paper, microscopy");
  verb.on_run_of_ranks([options](ProcessRanks* ranks) { evaluate(*options, ranks); });
}

}  // namespace n2s
