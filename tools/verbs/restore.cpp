#include "tools/verbs/restore.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "data/atomic_file.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/model_use.h"
#include "tools/progress.h"
#include "tools/result_pictures.h"
#include "tools/training_options.h"

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
  check_run_folder(run, o.training.resume, o.common.force);
  const LoadedStack loaded = load_stack(o.in, o.input, o.common);
  if (loaded.stack.planes < 3)
    throw Error(fmt::format("{}: {} plane{}: restoring a stack from itself needs at least 3", o.in, loaded.stack.planes,
                            loaded.stack.planes == 1 ? "" : "s"));
  const std::unique_ptr<Backend> backend = make_backend(o.common);
  ThreadPool pool(o.common.threads);
  std::vector<TrainingStack> stacks{{loaded.stack, std::nullopt, {}}};
  const NetworkKind network = choose_network(o.training.network, loaded.image.nifti.has_value());
  TrainingRequest request = prepare_training(o.training, network, o.common, stacks, *backend, pool);
  if (request.batches.planes % 2 != 0)
    throw Error("restore learns from the stack alone: use an even number of --planes (train takes second copies)");
  request.folder = run;

  const std::string resume = fmt::format("n2s restore {} -o {} --resume (and the options given before)", o.in, o.out);
  TrainingResult result = run_training(stacks, request, *backend, pool, o.common, resume);
  const LoadedModel model = load_model(request.folder);
  Progress progress("restoring", "planes", loaded.stack.planes, o.common.quiet);
  InferenceOptions inference;
  inference.progress = [&](long done, long) { progress.update(done); };
  const Stack restored = denoise(model, loaded.stack, *backend, inference);
  progress.finish();
  WriteOptions write;
  write.overwrite = o.common.force;
  write_image(o.out, put_stack(loaded.image, loaded.selection, restored), write);
  const fs::path panel = request.folder / "panel.png";
  write_middle_panel(panel, {{"noisy", &loaded.stack}, {"restored", &restored}});
  result.record["files"]["restored"] = o.out;
  result.record["files"]["panel"] = panel.string();
  if (o.common.json) std::cout << result.record.dump(2) << "\n";
  say(o.common, "{}: restored; model, log and pictures are in {}", o.out, request.folder.string());
}

}  // namespace

void add_restore(CLI::App& app) {
  auto options = std::make_shared<RestoreOptions>();
  options->training.crop = 64;
  CLI::App* verb =
      app.add_subcommand("restore", "Train on a noisy stack itself, then denoise it: nothing else is needed");
  verb->add_option("IN", options->in, "The noisy stack: NIfTI, TIFF or HDF5")->required();
  verb->add_option("-o,--output", options->out, "The restored stack: .nii, .nii.gz, .tif or .h5")->required();
  verb->add_option("--run", options->run, "Folder for model, log and pictures (default: OUT.run)");
  add_input_options(*verb, options->input);
  add_training_options(*verb, options->training);
  add_common_options(*verb, options->common);
  verb->footer(
      "Without --epochs, --steps or --minutes it trains for 5 minutes.\n"
      "Example: n2s restore noisy.nii.gz -o restored.nii.gz --minutes 10");
  verb->callback([options] {
    TrainingLength& length = options->training.length;
    if (length.epochs == 0 && length.steps == 0 && length.minutes == 0) length.minutes = 5;
    restore(*options);
  });
}

}  // namespace n2s
