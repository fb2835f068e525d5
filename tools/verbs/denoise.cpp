// Loads a model, and reads, denoises and writes file by file.
#include "tools/verbs/denoise.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/atomic_file.h"
#include "engine/graph/receptive_field.h"
#include "engine/inference/post_processing.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/model_use.h"
#include "tools/progress.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct DenoiseOptions {
  CommonOptions common;
  InputOptions input;
  std::string model, out, measured, levels = "stack";
  std::vector<std::string> in;
  int tile = 0;
  double memory_gib = 0;
};

/// One input: OUT itself, unless it is a folder. Several: OUT is a folder.
std::vector<fs::path> output_paths(const DenoiseOptions& o) {
  if (o.in.size() == 1 && !fs::is_directory(o.out)) return {o.out};
  std::vector<fs::path> paths;
  std::map<fs::path, std::string> input_of;
  for (const std::string& in : o.in) {
    const fs::path out = fs::path(o.out) / fs::path(in).filename();
    const auto [other, is_new] = input_of.emplace(out, in);
    if (!is_new)
      throw Error(fmt::format("{}: both {} and {} would be written here; denoise them into different folders",
                              out.string(), other->second, in));
    paths.push_back(out);
  }
  fs::create_directories(o.out);
  return paths;
}

struct Job {
  std::string in;
  fs::path out;
  LoadedStack loaded;
  SeenStack seen;
};

/// Reads inputs and sets their levels.
std::vector<Job> prepare(const DenoiseOptions& o, const LoadedModel& model, const Device& device,
                         std::span<const std::string> in, std::span<const fs::path> out) {
  std::vector<Job> jobs;
  std::vector<NamedStack> stacks;
  for (std::size_t i = 0; i < in.size(); ++i) {
    jobs.push_back({in[i], out[i], load_noisy_stack(in[i], o.input, o.common), {}});
    stacks.push_back({in[i], jobs.back().loaded.stack});
  }
  std::vector<SeenStack> seen;
  if (levels_from(o.levels) == LevelsFrom::model)
    for (NamedStack& stack : stacks) seen.push_back(see_stack(std::move(stack), model.normalisation, device, o.common));
  else
    seen = see_stacks(std::move(stacks), model.normalisation.kind, levels_from(o.levels), device, o.common);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].seen = std::move(seen[i]);
  return jobs;
}

nlohmann::json denoise_file(const DenoiseOptions& o, const LoadedModel& model, const Device& device, const Job& job) {
  const LoadedStack& loaded = job.loaded;
  const std::vector<std::string> warnings = compare_with_training(job.in, model.traits, job.seen);
  const Graph graph = model.network->build(model.planes);
  Progress progress(fs::path(job.in).filename().string(), "planes", loaded.stack.planes, o.common.quiet);
  InferenceOptions inference;
  inference.tile = o.tile;
  inference.memory_limit = static_cast<std::size_t>(o.memory_gib * (1 << 30));
  const Stack& noisy = loaded.stack;
  const InferencePlan plan = plan_inference(*device.inference, {&graph, receptive_radius(graph)},
                                            {noisy.planes, noisy.height, noisy.width}, inference);
  say(o.common, "{} of {}x{} pixels, {} per run of the network", plan.tiled ? "tiles" : "whole planes",
      plan.extents.height, plan.extents.width, plan.extents.batch);
  inference.progress = [&](long done, long) { progress.update(done); };
  Stack restored = denoise(model, job.seen, device, inference);
  progress.finish();
  if (!o.measured.empty()) {
    ThreadPool pool(o.common.threads);
    const std::string why_host = restore_measured(parse_noise(o.measured), noisy, o.common.seed, Purpose::noise_input,
                                                  0, restored, *device.inference, pool);
    if (!why_host.empty()) say(o.common, "k-space data consistency: computed on the CPU: {}", why_host);
  }
  WriteOptions write;
  write.overwrite = o.common.force;
  write_image(job.out, put_stack(loaded.image, loaded.selection, restored), write);
  return {{"input", job.in},     {"output", job.out.string()},      {"planes", noisy.planes},
          {"tiled", plan.tiled}, {"levels", levels_json(job.seen)}, {"warnings", warnings}};
}

void denoise_files(const DenoiseOptions& o) {
  const LoadedModel model = load_model(o.model);
  const std::vector<fs::path> outputs = output_paths(o);
  for (const fs::path& out : outputs) {
    check_image_extension(out);
    check_output_path(out, o.common.force);
  }
  const Device device = open_device(o.common);
  nlohmann::json files = nlohmann::json::array();
  const std::size_t together = levels_from(o.levels) == LevelsFrom::shared ? o.in.size() : 1;
  for (std::size_t i = 0; i < o.in.size(); i += together)
    for (const Job& job :
         prepare(o, model, device, std::span(o.in).subspan(i, together), std::span(outputs).subspan(i, together)))
      files.push_back(denoise_file(o, model, device, job));
  if (o.common.json) print_json({{"files", files}});
}

}  // namespace

void add_denoise(Program& program) {
  auto options = std::make_shared<DenoiseOptions>();
  Verb verb = program.add_verb("denoise", "Restore stacks with a trained network");
  verb.option("MODEL", options->model, "A run's folder, or a model file (.safetensors)").required();
  verb.option("IN", options->in, "The noisy stacks").required();
  add_output_option(verb, options->out, "The restored stack, or for several stacks a folder");
  verb.option("--tile", options->tile, "Side of the tiles, pixels (default: whole planes if they fit into memory)")
      .between(16, 65536);
  verb.option("--memory", options->memory_gib,
              "Memory for activations, and on a GPU the same again for the stack, GiB (default: half of what is free)")
      .positive();
  verb.option(
          "--levels", options->levels,
          "Statistics for the normalisation: of each stack, shared by all (files of one acquisition), or the model's")
      .one_of({"stack", "shared", "model"})
      .show_default();
  verb.option("--measured", options->measured,
              "k-space data consistency: keep the measured frequencies of the input, which `n2s corrupt --noise "
              "kspace:RATE` has made with this --seed");
  add_input_options(verb, options->input);
  add_common_options(verb, options->common);
  verb.footer("Example: n2s denoise run/ noisy1.tif noisy2.tif -o restored/");
  verb.on_run([options] { denoise_files(*options); });
}

}  // namespace n2s
