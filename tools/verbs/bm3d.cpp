// Estimates the noise of each stack, if it is not given, and filters plane by plane.
#include "tools/verbs/bm3d.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/common.h"
#include "tools/filters/bm3d_filter.h"
#include "tools/filters/filtered_file.h"
#include "tools/filters/noise_option.h"
#include "tools/json_output.h"
#include "tools/ranks/rank_options.h"

namespace n2s {
namespace {

struct Bm3dOptions {
  CommonOptions common;
  InputOptions input;
  NoiseOption noise;
  std::string in, out;
  bool as_float = false;
};

void restore_file(Bm3dOptions o, ProcessRanks* ranks) {
  if (ranks != nullptr) o.common = options_of_rank(o.common, *ranks);
  check_noise(o.noise);
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  nlohmann::json stacks = nlohmann::json::array();
  FilterRequest request{o.in, o.out, o.input, o.common, o.as_float, ranks, {}};
  request.filter_of = [&](const PlanesToRead& planes) -> StackFilter {
    const StackNoise noise = noise_of(o.noise, planes);
    say(o.common, "{}: {}", planes.name, describe(noise));
    stacks.push_back(noise_json(noise));
    return bm3d_filter(noise, o.common, device, pool);
  };
  const std::size_t planes = filter_file(request);
  if (o.common.json)
    print_json({{"input", o.in}, {"output", o.out}, {"method", "bm3d"}, {"planes", planes}, {"noise", stacks}});
}

}  // namespace

void add_bm3d(Program& program) {
  auto options = std::make_shared<Bm3dOptions>();
  Verb verb = program.add_verb("bm3d", "Restore planes or single images without training: BM3D");
  verb.option("IN", options->in, "The noisy stack or image").required();
  add_output_option(verb, options->out, "The restored one");
  add_float_option(verb, options->as_float);
  add_sigma_option(verb, options->noise);
  add_noise_option(verb, options->noise);
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer(
      "Block matching and 3-D filtering (Dabov et al. 2007), both stages, plane by plane.\n"
      "Example: n2s bm3d image.png -o restored.png --sigma 25");
  verb.on_run_of_ranks([options](ProcessRanks* ranks) { restore_file(*options, ranks); });
}

}  // namespace n2s
