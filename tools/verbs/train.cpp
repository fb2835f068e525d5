// Loads the stacks, decides what the options leave open, and runs the training.
#include "tools/verbs/train.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

struct TrainOptions {
  CommonOptions common;
  InputOptions input;
  TrainingOptions training;
  std::vector<std::string> data, targets, validation;
  std::string run;
  int middle = 0;
};

std::vector<TrainingStack> load(const TrainOptions& o, bool& medical) {
  if (!o.targets.empty() && o.targets.size() != o.data.size())
    throw Error(fmt::format("--target: {1} targets for {0} data files; give one per file, in the same order",
                            o.data.size(), o.targets.size()));
  std::vector<TrainingStack> stacks;
  for (std::size_t i = 0; i < o.data.size(); ++i) {
    const LoadedStack source = load_noisy_stack(o.data[i], o.input, o.common);
    medical = source.image.medical;
    stacks.push_back({middle_planes(source.stack, o.middle), std::nullopt, {}, o.data[i]});
    if (!o.targets.empty())
      stacks.back().target = middle_planes(load_noisy_stack(o.targets[i], o.input, o.common).stack, o.middle);
  }
  for (const std::string& path : o.validation) {
    stacks.push_back(
        {middle_planes(load_noisy_stack(path, o.input, o.common).stack, o.middle), std::nullopt, {}, path});
    for (int plane = 0; plane < stacks.back().source.planes; ++plane) stacks.back().held_out.insert(plane);
  }
  return stacks;
}

void train(TrainOptions o) {
  const std::unique_ptr<RunLock> lock = lock_run_folder(o.run, o.training.resume, o.common.force);
  bool medical = false;
  std::vector<TrainingStack> stacks = load(o, medical);
  if (!o.validation.empty() && o.training.held_out < 0) o.training.held_out = 0;
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const Network& network = choose_network(o.training.network, medical);
  TrainingRequest request = prepare_training(o.training, network, o.common, stacks, device, pool);
  request.folder = o.run;
  const TrainingResult result = run_training(stacks, request, device, pool, o.common, "the same command with --resume");
  if (o.common.json) print_json(result);
  say(o.common, "{}: trained; try: n2s denoise {} {} -o restored{}", o.run, o.run, o.data.front(),
      medical ? ".nii.gz" : ".tif");
}

}  // namespace

void add_train(Program& program) {
  auto options = std::make_shared<TrainOptions>();
  Verb verb = program.add_verb("train", "Train a network on one or many stacks");
  verb.option("DATA", options->data, "Stacks to train on: noisy, or clean with --noise").required();
  verb.option("-o,--output", options->run, "Folder of the run: models, state, log, pictures").required();
  verb.option("--target", options->targets,
              "Target stacks, one per DATA: a second noisy copy or, for noise2clean, the clean stack");
  verb.option("--validation", options->validation, "Stacks to validate on (default: planes held out of DATA)");
  add_input_options(verb, options->input);
  add_middle_option(verb, options->middle);
  add_training_options(verb, options->training);
  verb.option("--levels", options->training.levels,
              "Statistics for the normalisation: of each stack, or shared by all (files of one acquisition)")
      .one_of({"stack", "shared"})
      .show_default();
  add_common_options(verb, options->common);
  verb.footer(
      "Trains for 100 epochs, as in the paper, on whole planes (up to 256x256 pixels) unless told otherwise.\n"
      "Examples:\n"
      "  n2s train noisy1.tif noisy2.tif -o run                         from neighbouring planes alone\n"
      "  n2s train a.nii.gz --target b.nii.gz -o run --planes 5         two noisy copies of one volume\n"
      "  n2s train clean/*.nii.gz -o run --noise kspace:0.1 --planes 5  the paper's MRI experiment");
  verb.on_run([options] {
    if (!options->training.length.is_set()) options->training.length.epochs = 100;
    train(*options);
  });
}

}  // namespace n2s
