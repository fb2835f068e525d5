// Trains on the stack itself and restores it with the best model.
#include "tools/verbs/restore.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "data/atomic_file.h"
#include "kernels/base/error.h"
#include "tools/common.h"
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

void restore(const RestoreOptions& o) {
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  const fs::path run = o.run.empty() ? o.out + ".run" : o.run;
  const std::unique_ptr<RunLock> lock = lock_run_folder(run, o.training.resume, o.common.force);
  const LoadedStack loaded = load_noisy_stack(o.in, o.input, o.common);
  if (loaded.stack.planes < 3)
    throw Error(fmt::format("{}: {} plane{} only; restoring a stack from itself needs at least 3", o.in,
                            loaded.stack.planes, loaded.stack.planes == 1 ? "" : "s"));
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  std::vector<TrainingStack> stacks{{loaded.stack, std::nullopt, {}, o.in}};
  const Network& network = choose_network(o.training.network, loaded.image.medical);
  TrainingRequest request = prepare_training(o.training, network, o.common, stacks, device, pool);
  if (request.batches.planes % 2 != 0)
    throw Error(
        "--planes: restore learns from the stack alone and needs an even number; with a second noisy copy use n2s "
        "train");
  request.folder = run;

  const std::string resume = fmt::format("n2s restore {} -o {} --resume (and the options given before)", o.in, o.out);
  TrainingResult result = run_training(stacks, request, device, pool, o.common, resume);
  const LoadedModel model = load_model(request.folder);
  Progress progress("restoring", "planes", loaded.stack.planes, o.common.quiet);
  InferenceOptions inference;
  inference.progress = [&](long done, long) { progress.update(done); };
  CommonOptions silent = o.common;  // the levels have been described by the training
  silent.quiet = true;
  const SeenStack seen = see_stack({o.in, loaded.stack}, request.batches.normalisation, device, silent);
  const Stack restored = denoise(model, seen, device, inference);
  progress.finish();
  WriteOptions write;
  write.overwrite = o.common.force;
  write_image(o.out, put_stack(loaded.image, loaded.selection, restored), write);
  const fs::path panel = request.folder / "panel.png";
  write_middle_panel(panel, {{"noisy", &loaded.stack}, {"restored", &restored}});
  result.files["restored"] = o.out;
  result.files["panel"] = panel.string();
  if (o.common.json) print_json(result);
  say(o.common, "{}: restored; model, log and pictures are in {}", o.out, request.folder.string());
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
      "Trains for 5 minutes on images of 64x64 pixels unless told otherwise.\n"
      "Example: n2s restore noisy.nii.gz -o restored.nii.gz --minutes 10");
  verb.on_run([options] {
    if (!options->training.length.is_set()) options->training.length.minutes = 5;
    restore(*options);
  });
}

}  // namespace n2s
