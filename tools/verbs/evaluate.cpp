#include "tools/verbs/evaluate.h"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/error.h"
#include "tools/common.h"
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

/// Brings truth and result to the units that the published numbers are in; says how.
std::string scale(const EvaluateOptions& o, Stack& result, Stack& truth, Backend& backend) {
  NormalisationOptions options;
  if (o.scale == "none") return "none";
  options.kind = o.scale == "max" ? "range" : "percentile";
  options.low_percentile = 0.1;
  options.high_percentile = 99.9;
  const Normalisation normalisation = fit_normalisation({&truth}, options, backend, o.common);
  apply_normalisation(normalisation, truth.voxels);
  apply_normalisation(normalisation, result.voxels);
  return fmt::format("{} of the truth (value * {:.6g} + {:.6g})", o.scale, normalisation.scale, normalisation.offset);
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
    if (!(o.clamp[0] < o.clamp[1])) throw Error("--clamp: the lower limit must be below the upper one");
  }
  if (!(o.metrics.data_range > 0)) throw Error("--range must be above 0");
  Stack result = middle_planes(load_stack(o.result, o.input, o.common).stack, o.middle);
  Stack truth = middle_planes(load_stack(o.truth, o.input, o.common).stack, o.middle);
  if (result.planes != truth.planes || result.height != truth.height || result.width != truth.width)
    throw Error(fmt::format("{} has {}x{}x{} voxels and {} has {}x{}x{}: only stacks of one size can be compared",
                            o.result, result.planes, result.height, result.width, o.truth, truth.planes, truth.height,
                            truth.width));
  o.common.precision = "fp32";  // is the networks': metrics are made in double everywhere
  const std::unique_ptr<Backend> backend = make_backend(o.common);
  const std::string scaled = scale(o, result, truth, *backend);
  const StackMetrics metrics = stack_metrics(result, truth, o.metrics, *backend, o.common);
  if (!o.common.json) return print(metrics, o.metrics, scaled);
  nlohmann::json json = metrics_json(metrics, o.metrics);
  json["how"]["scaling"] = scaled;
  std::cout << json.dump(2) << "\n";
}

}  // namespace

void add_evaluate(CLI::App& app) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* verb = app.add_subcommand("evaluate", "PSNR, SSIM and NRMSE of a result against the truth, per plane");
  verb->add_option("RESULT", options->result, "The restored (or noisy) stack")->required();
  verb->add_option("TRUTH", options->truth, "The clean stack")->required();
  verb->add_option("--clamp", options->clamp, "Hold both within LOW,HIGH first (MRI: -0.5,0.5)")
      ->expected(2)
      ->delimiter(',');
  verb->add_flag("--affine", options->metrics.affine, "Map the result affinely to the least error first (microscopy)");
  verb->add_option("--range", options->metrics.data_range, "Data range R of PSNR and SSIM")->capture_default_str();
  verb->add_option("--scale", options->scale,
                   "Scale both by the truth first: max (to -0.5..0.5), percentile (0.1, 99.9 to 0..1) or none")
      ->check(CLI::IsMember({"none", "max", "percentile"}))
      ->capture_default_str();
  add_input_options(*verb, options->input);
  add_middle_option(*verb, options->middle);
  add_common_options(*verb, options->common);
  verb->footer(
      "Metrics are made in double on every device; --precision is for networks.\n"
      "Examples:\n"
      "  n2s evaluate restored.nii.gz truth.nii.gz --scale max --clamp -0.5,0.5    as in the paper, MRI\n"
      "  n2s evaluate restored.tif truth.tif --scale percentile --affine           as in the paper, microscopy");
  verb->callback([options] { evaluate(*options); });
}

}  // namespace n2s
