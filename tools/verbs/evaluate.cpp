// Reads two files, scales them if asked to, and prints their metrics.
#include "tools/verbs/evaluate.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measuring.h"

namespace n2s {
namespace {

struct EvaluateOptions {
  CommonOptions common;
  InputOptions input;
  MetricOptions metrics;
  std::string result, truth, scale = "none";
  std::vector<double> clamp;
  int middle = 0;
};

/// Scales truth and result as for published figures. Returns a description of the scaling.
std::string scale(const EvaluateOptions& o, Stack& result, Stack& truth, const Device& device) {
  NormalisationOptions options;
  if (o.scale == "none") return "none";
  options.kind = o.scale == "max" ? "range" : "percentile";
  options.low_percentile = 0.1;
  options.high_percentile = 99.9;
  const Normalisation normalisation = fit_normalisation({&truth}, options, device, o.common);
  apply_normalisation(normalisation, truth.voxels);
  apply_normalisation(normalisation, result.voxels);
  return fmt::format("{} of the truth (value * {:.6g} + {:.6g})", o.scale, normalisation.scale, normalisation.offset);
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

void print(const StackMetrics& m, const MetricOptions& options, const std::string& scaled) {
  fmt::print("{:>6}{:>12}{:>9}{:>9}\n", "plane", "PSNR, dB", "SSIM", "NRMSE");
  for (std::size_t i = 0; i < m.per_plane.size(); ++i)
    fmt::print("{:>6}{:>12.3f}{:>9.4f}{:>9.4f}\n", i, m.per_plane[i].psnr, m.per_plane[i].ssim, m.per_plane[i].nrmse);
  fmt::print("{:>6}{:>12.3f}{:>9.4f}{:>9.4f}\n", "mean", m.psnr.mean, m.ssim.mean, m.nrmse.mean);
  fmt::print("{:>6}{:>12.3f}{:>9.4f}{:>9.4f}\n", "sd", m.psnr.sd, m.ssim.sd, m.nrmse.sd);
  fmt::print("{:>6}{:>12.3f}{:>9.4f}{:>9.4f}\n", "95 %", m.psnr.ci95, m.ssim.ci95, m.nrmse.ci95);
  fmt::print("n = {}; {}; scaling: {}\n", m.per_plane.size(), describe(options), scaled);
}

void evaluate(EvaluateOptions o) {
  if (!o.clamp.empty()) {
    o.metrics.clamp = true;
    o.metrics.clamp_low = o.clamp[0];
    o.metrics.clamp_high = o.clamp[1];
    if (!(o.clamp[0] < o.clamp[1])) throw Error("--clamp: the first limit must be below the second");
  }
  if (!(o.metrics.data_range > 0)) throw Error("--range: must be above 0");
  Stack result = load_planes(o.result, o);
  Stack truth = load_planes(o.truth, o);
  if (result.planes != truth.planes || result.height != truth.height || result.width != truth.width)
    throw Error(fmt::format("{} has {}x{}x{} voxels, {} has {}x{}x{}; only stacks of the same size can be compared",
                            o.result, result.planes, result.height, result.width, o.truth, truth.planes, truth.height,
                            truth.width));
  o.common.precision = "fp32";  // --precision is for networks; metrics are computed in double
  const Device device = open_device(o.common);
  const std::string scaled = scale(o, result, truth, device);
  const StackMetrics metrics = stack_metrics(result, truth, o.metrics, device, o.common);
  if (!o.common.json) return print(metrics, o.metrics, scaled);
  nlohmann::json json = metrics_json(metrics, o.metrics);
  json["how"]["scaling"] = scaled;
  print_json(json);
}

}  // namespace

void add_evaluate(Program& program) {
  auto options = std::make_shared<EvaluateOptions>();
  Verb verb = program.add_verb("evaluate", "PSNR, SSIM and NRMSE of a result against the truth, per plane");
  verb.option("RESULT", options->result, "The restored (or noisy) stack").required();
  verb.option("TRUTH", options->truth, "The clean stack").required();
  verb.option("--clamp", options->clamp, "Clamp both stacks to LOW,HIGH first (the paper's MRI: -0.5,0.5)").pair();
  verb.flag("--affine", options->metrics.affine,
            "First map each plane of the result affinely to the least squared error (the paper's microscopy)");
  verb.option("--range", options->metrics.data_range, "Data range of PSNR and SSIM").show_default();
  verb.option(
          "--scale", options->scale,
          "Scale both stacks by the truth first: max (0 and the maximum to -0.5 and 0.5), percentile (0.1st and 99.9th "
          "to 0 and 1) or none")
      .one_of({"none", "max", "percentile"})
      .show_default();
  add_input_options(verb, options->input);
  add_middle_option(verb, options->middle);
  add_common_options(verb, options->common);
  verb.footer(
      "Metrics are computed in double precision on every device; --precision has no effect.\n"
      "Examples:\n"
      "  n2s evaluate restored.nii.gz truth.nii.gz --scale max --clamp -0.5,0.5    as in the paper, MRI\n"
      "  n2s evaluate restored.tif truth.tif --scale percentile --affine           as in the paper, microscopy");
  verb.on_run([options] { evaluate(*options); });
}

}  // namespace n2s
