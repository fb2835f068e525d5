// Estimates the noise of each stack, if it is not given, and averages similar pixels.
#include "tools/verbs/nlm.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "kernels/base/error.h"
#include "kernels/nlm/nlm.h"
#include "tools/common.h"
#include "tools/filters/anscombe_filter.h"
#include "tools/filters/filtered_file.h"
#include "tools/filters/noise_option.h"
#include "tools/json_output.h"
#include "tools/ranks/rank_options.h"

namespace n2s {
namespace {

constexpr double kHPerSigma = 0.6;  // what scikit-image recommends where sigma is given

struct NlmOptions {
  CommonOptions common;
  InputOptions input;
  NoiseOption noise;
  std::string in, out;
  int patch = 7, distance = 11;
  double h = 0;  // 0: from sigma
  bool across = false, as_float = false;
};

void restore_file(NlmOptions o, ProcessRanks* ranks) {
  if (ranks != nullptr) o.common = options_of_rank(o.common, *ranks);
  if (o.h > 0 && o.noise.noise == "auto") o.noise.noise = "gaussian";  // h is in the file's units
  if (o.h > 0 && o.noise.noise != "gaussian")
    throw Error("--h is for --noise gaussian; a camera's noise is transformed first");
  if (o.noise.sigma != "0") check_noise(o.noise);
  if (o.noise.sigma == "0" && o.h == 0) throw Error("--sigma 0 needs --h, which follows from sigma otherwise");
  if (o.patch % 2 == 0) throw Error(fmt::format("--patch {}: an odd number of pixels is needed", o.patch));
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  nlohmann::json stacks = nlohmann::json::array();
  FilterRequest request{o.in, o.out, o.input, o.common, o.as_float, ranks, {}};
  request.filter_of = [&](const PlanesToRead& planes) -> StackFilter {
    const StackNoise noise = o.noise.sigma == "0" ? StackNoise{} : noise_of(o.noise, planes);
    const double sigma = noise.is_poisson ? 1 : noise.sigma;
    NlmProblem problem{1, planes.shape.height, planes.shape.width, o.patch, o.distance, o.across, o.h, sigma};
    if (o.h == 0) problem.h = kHPerSigma * sigma;
    say(o.common, "{}: {}, h {:.4g}", planes.name, describe(noise), problem.h);
    stacks.push_back(noise_json(noise));
    stacks.back()["h"] = problem.h;
    StackFilter filter{nlm_reach(problem), [&, problem](const Stack& noisy, std::span<float> restored) {
                         NlmProblem part = problem;
                         part.planes = noisy.planes;
                         std::string why;
                         if (device.inference->filter(part, {noisy.voxels, restored, why})) return;
                         if (!why.empty()) say(o.common, "non-local means: computed on the CPU: {}", why);
                         nlm(part, noisy.voxels, restored, pool);
                       }};
    return noise.is_poisson ? anscombe_filter(noise.camera, std::move(filter)) : filter;
  };
  const std::size_t planes = filter_file(request);
  if (o.common.json)
    print_json({{"input", o.in}, {"output", o.out}, {"method", "nlm"}, {"planes", planes}, {"noise", stacks}});
}

}  // namespace

void add_nlm(Program& program) {
  auto options = std::make_shared<NlmOptions>();
  Verb verb = program.add_verb("nlm", "Restore planes or single images without training: non-local means");
  verb.option("IN", options->in, "The noisy stack or image").required();
  add_output_option(verb, options->out, "The restored one");
  add_float_option(verb, options->as_float);
  verb.option("--patch", options->patch, "Side of the patches that are compared, pixels; odd")
      .between(3L, 101L)
      .show_default();
  verb.option("--distance", options->distance, "Pixels in each direction in which similar patches are searched")
      .between(1L, 100L)
      .show_default();
  verb.flag("--across", options->across, "Compare cubes and search in neighbouring planes as well");
  verb.option("--h", options->h, "Smoothing, in the file's units (default: 0.6 times sigma)").above_zero(1e30);
  add_sigma_option(verb, options->noise);
  add_noise_option(verb, options->noise);
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer(
      "Buades et al. 2005; the values of scikit-image's denoise_nl_means(fast_mode=True) for the same parameters.\n"
      "Example: n2s nlm image.png -o restored.png --patch 7 --distance 11");
  verb.on_run_of_ranks([options](ProcessRanks* ranks) { restore_file(*options, ranks); });
}

}  // namespace n2s
