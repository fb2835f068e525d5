// Trains on the stacks of a file themselves, one network for each channel, and restores them.
#include "tools/verbs/restore.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "data/atomic_file.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/model_use.h"
#include "tools/pictures/result_pictures.h"
#include "tools/progress.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct RestoreOptions {
  CommonOptions common;
  InputOptions input;
  TrainingOptions training;
  std::string in, out, run;
};

/// A second copy is what a single file has not.
void check_learns_alone(const TrainingRequest& request) {
  const TrainingMethod& method = method_of(request.batches);
  if (method.needs_target && !request.batches.noise)
    throw Error(
        fmt::format("--method {} with {} input plane{} ({}) needs a second stack; restore learns from the noisy stack "
                    "alone: use an even number of --planes, or n2s train with --target",
                    method.name, request.batches.planes, request.batches.planes == 1 ? "" : "s", method.title));
}

/// Denoises the stacks that share the run's network, into `results`.
void restore_stacks(const RestoreOptions& o, const LoadedFile& file, const NetworkGroup& group,
                    const TrainingRequest& request, const Device& device, std::vector<Stack>& results) {
  const LoadedModel model = load_model(request.folder);
  std::vector<NamedStack> stacks;
  long planes = 0;
  for (const std::size_t i : group.stacks) {
    stacks.push_back({file.name_of(i), file.stacks[i]});
    planes += file.stacks[i].planes;
  }
  CommonOptions silent = o.common;  // the levels have been described by the training
  silent.quiet = true;
  std::vector<SeenStack> seen =
      see_stacks(std::move(stacks), request.batches.normalisation.kind, LevelsFrom::stack, device, silent);
  Progress progress("restoring", "planes", planes, o.common.quiet);
  long before = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    InferenceOptions inference;
    inference.progress = [&](long done, long) { progress.update(before + done); };
    results[group.stacks[i]] = denoise(model, seen[i], device, inference);
    before += seen[i].stack.planes;
  }
  progress.finish();
}

/// Trains a network on the stacks of the group and restores them with it.
TrainingResult restore_group(const RestoreOptions& o, const LoadedFile& file, const NetworkGroup& group,
                             const fs::path& run, bool is_first, const Device& device, ThreadPool& pool,
                             std::vector<Stack>& results) {
  if (!group.name.empty()) say(o.common, "{}:", group.name);
  std::vector<TrainingStack> stacks;
  for (const std::size_t i : group.stacks) stacks.push_back({file.stacks[i], std::nullopt, {}, file.name_of(i)});
  TrainingOptions training = o.training;
  training.resume = training.resume && holds_run(run / group.subfolder);  // else it had not begun
  const Network& network = choose_network(training.network, file.image.medical);
  TrainingRequest request = prepare_training(training, network, o.common, stacks, device, pool);
  check_learns_alone(request);
  request.folder = run / group.subfolder;
  if (is_first && !o.training.resume) clear_run(run);
  const std::string resume = fmt::format("n2s restore {} -o {} --resume (and the options given before)", o.in, o.out);
  TrainingResult result = run_training(stacks, request, device, pool, o.common, resume);
  restore_stacks(o, file, group, request, device, results);
  const std::size_t shown = group.stacks.front();
  const fs::path panel = request.folder / "panel.png";
  write_middle_panel(panel, {{"noisy", &file.stacks[shown]}, {"restored", &results[shown]}});
  result.files["panel"] = panel.string();
  return result;
}

/// One network: its record. Several: {"networks": [record, ...], "files"}.
void print_records(const RestoreOptions& o, const std::vector<NetworkGroup>& groups,
                   const std::vector<TrainingResult>& results) {
  nlohmann::json json;
  if (groups.size() == 1) {
    json = result_json(results.front());
  } else {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      json["networks"].push_back(result_json(results[i]));
      json["networks"].back()["channel"] = groups[i].channel;
    }
  }
  json["files"]["restored"] = o.out;
  print_json(json);
}

void restore(const RestoreOptions& o) {
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  const fs::path run = o.run.empty() ? o.out + ".run" : o.run;
  const std::unique_ptr<RunLock> lock = lock_run_folder(run, o.training.resume, o.common.force);
  const LoadedFile file = load_noisy_file(o.in, o.input, o.common);
  check_neighbours(file, 3);
  check_image_fits(o.out, file.result_axes(), file.image.type);
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const std::vector<NetworkGroup> groups = network_groups(file, o.training.channels);
  std::vector<Stack> restored(file.stacks.size());
  std::vector<TrainingResult> results;
  results.reserve(groups.size());
  for (const NetworkGroup& group : groups)
    results.push_back(restore_group(o, file, group, run, results.empty(), device, pool, restored));
  WriteOptions write;
  write.overwrite = o.common.force;
  write_image(o.out, file.with(restored), write);
  if (o.common.json) print_records(o, groups, results);
  say(o.common, "{}: restored; model, log and pictures are in {}", o.out, run.string());
}

}  // namespace

void add_restore(Program& program) {
  auto options = std::make_shared<RestoreOptions>();
  options->training.crop = 64;
  Verb verb = program.add_verb("restore", "Train on a noisy stack itself, then denoise it: nothing else is needed");
  verb.option("IN", options->in, "The noisy stack").required();
  add_output_option(verb, options->out, "The restored stack");
  verb.option("--run", options->run, "Folder for model, log and pictures (default: OUT.run)");
  add_input_options(verb, options->input);
  add_training_options(verb, options->training);
  add_common_options(verb, options->common);
  verb.footer(
      "Trains each network for 5 minutes on images of 64x64 pixels unless told otherwise.\n"
      "Example: n2s restore noisy.nii.gz -o restored.nii.gz --minutes 10");
  verb.on_run([options] {
    if (!options->training.length.is_set()) options->training.length.minutes = 5;
    restore(*options);
  });
}

}  // namespace n2s
