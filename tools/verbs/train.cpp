// Loads the stacks, decides what the options leave open, and runs the training.
#include "tools/verbs/train.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/model_use.h"
#include "tools/ranks/process_ranks.h"
#include "tools/ranks/rank_options.h"
#include "tools/ranks/shared_work.h"
#include "tools/report/page.h"
#include "tools/report/run_report.h"
#include "tools/run_folder.h"
#include "tools/stored_stacks.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

struct TrainOptions {
  CommonOptions common;
  InputOptions input;
  TrainingOptions training;
  std::vector<std::string> data, targets, validation;
  std::string run, page;
  int middle = 0;
};

/// The training data of one network.
struct NetworkData {
  NetworkGroup group;  // its name and folder
  std::vector<TrainingStack> stacks;
};

struct Data {
  std::vector<NetworkData> networks;
  bool medical = false;
};

/// Reads the stacks of files: as floats, or stored where they are large together.
class StackReading {
 public:
  StackReading(const TrainOptions& o, VoxelMemory& memory) : o_(&o), memory_(&memory) {
    double voxels = 0;
    for (const auto* paths : {&o.data, &o.targets, &o.validation})
      for (const std::string& path : *paths) voxels += voxels_of(open_file(path, o.input));
    large_ = is_large(voxels);
  }

  std::vector<StackPlanes> read(const OpenFile& file) const {
    describe_file(file, o_->common);
    return large_ ? store_stacks(file, o_->middle, *memory_) : load_stacks(file, o_->middle);
  }

 private:
  const TrainOptions* o_;
  VoxelMemory* memory_;
  bool large_ = false;
};

/// Adds the stacks of one file, with those of the targets where there are any, to their networks.
void add_file(const TrainOptions& o, const StackReading& reading, const std::string& path,
              const std::string& target_path, bool validates, Data& data) {
  const OpenFile file = open_file(path, o.input);
  std::vector<StackPlanes> stacks = reading.read(file);
  std::vector<StackPlanes> targets;
  if (!target_path.empty()) {
    const OpenFile target = open_file(target_path, o.input);
    warn_of_other_directions(file, target);
    targets = reading.read(target);
  }
  if (!target_path.empty() && targets.size() != stacks.size())
    throw Error(fmt::format("{}: {} stacks, but its target {} has {}; each needs one", path, stacks.size(), target_path,
                            targets.size()));
  const std::vector<NetworkGroup> groups = network_groups(file, o.training.channels);
  if (data.networks.empty()) {
    data.medical = file.image.medical;
    for (const NetworkGroup& group : groups) data.networks.push_back({group, {}});
  }
  if (groups.size() != data.networks.size())
    throw Error(fmt::format("{}: has {} channel{}, {} has {}; choose one with --channel, or use --channels joint", path,
                            groups.size(), groups.size() == 1 ? "" : "s", o.data.front(), data.networks.size()));
  if (file.image.medical != data.medical && o.training.network.empty())
    throw Error(
        fmt::format("{}: another kind of file than {}, and their default networks differ; choose one with --net", path,
                    o.data.front()));
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const std::size_t i : groups[g].stacks) {
      TrainingStack stack{std::move(stacks[i]), std::nullopt, {}, file.name_of(i)};
      if (!targets.empty()) stack.target = std::move(targets[i]);
      for (int plane = 0; validates && plane < stack.source.planes; ++plane) stack.held_out.insert(plane);
      data.networks[g].stacks.push_back(std::move(stack));
    }
}

Data load(const TrainOptions& o, VoxelMemory& memory) {
  if (!o.targets.empty() && o.targets.size() != o.data.size())
    throw Error(fmt::format("--target: {1} targets for {0} data files; give one per file, in the same order",
                            o.data.size(), o.targets.size()));
  const StackReading reading(o, memory);
  Data data;
  for (std::size_t i = 0; i < o.data.size(); ++i)
    add_file(o, reading, o.data[i], o.targets.empty() ? "" : o.targets[i], false, data);
  for (const std::string& path : o.validation) add_file(o, reading, path, "", true, data);
  describe(memory, o.common);
  return data;
}

/// One network: its record. Several: {"networks": [record, ...]}.
nlohmann::json records(const Data& data, const std::vector<TrainingResult>& results) {
  if (results.size() == 1) return result_json(results.front());
  nlohmann::json json;
  for (std::size_t i = 0; i < results.size(); ++i) {
    json["networks"].push_back(result_json(results[i]));
    json["networks"].back()["channel"] = data.networks[i].group.channel;
  }
  return json;
}

void write_page(const TrainOptions& o, const Data& data) {
  std::vector<ReportedRun> runs;
  for (const NetworkData& one : data.networks)
    runs.push_back(
        {one.group.name.empty() ? o.run : one.group.name, std::filesystem::path(o.run) / one.group.subfolder});
  write_run_report(o.page, "Run " + o.run, runs, o.common.force);
}

/// The lock of the run's folder, which rank 0 alone writes to.
std::unique_ptr<RunLock> lock_run(const TrainOptions& o) {
  if (!o.page.empty()) check_page_path(o.page, o.common.force);
  return lock_run_folder(o.run, o.training.resume, o.common.force);
}

VoxelMemory memory_for(const TrainOptions& o, ProcessRanks* ranks) {
  if (ranks == nullptr) return voxel_memory(o.training.memory_gib, o.run);
  const std::filesystem::path scratch = is_first(ranks)
                                            ? std::filesystem::path(o.run)  // others may have no such folder
                                            : std::filesystem::temp_directory_path();
  return memory_of_ranks(voxel_memory(o.training.memory_gib, scratch), *ranks);
}

/// All must be about to train the same network on the same data.
void check_request(ProcessRanks& ranks, const TrainingRequest& request) {
  check_alike(ranks, "the training data", request.levels);
  check_alike(ranks, "the command", json_text(model_configuration(*request.network, request.batches, request.traits)));
}

void train(TrainOptions o, ProcessRanks* ranks) {
  if (ranks != nullptr && o.training.batch < ranks->count())
    throw Error(fmt::format("--batch {}: fewer images than the {} ranks that share them; choose at least {}",
                            o.training.batch, ranks->count(), ranks->count()));
  if (ranks != nullptr) o.common = options_of_rank(o.common, *ranks);
  const bool writes = is_first(ranks);
  const std::unique_ptr<RunLock> lock = writes ? lock_run(o) : nullptr;
  VoxelMemory memory = memory_for(o, ranks);
  Data data = load(o, memory);
  if (!o.validation.empty() && o.training.held_out < 0) o.training.held_out = 0;
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const Network& network = choose_network(o.training.network, method_name(o.training), data.medical);
  std::vector<TrainingResult> results;
  for (NetworkData& one : data.networks) {
    if (!one.group.name.empty()) say(o.common, "{}:", one.group.name);
    TrainingOptions training = o.training;
    const std::filesystem::path folder = std::filesystem::path(o.run) / one.group.subfolder;
    training.resume = decided(ranks, training.resume && holds_run(folder));  // else it had not begun
    TrainingRequest request = prepare_training(training, network, o.common, one.stacks, memory, device, pool);
    request.folder = folder;
    if (ranks != nullptr) {
      check_request(*ranks, request);
      request.ranks = {std::shared_ptr<void>(), ranks};  // which outlives the run
    }
    if (results.empty() && !o.training.resume) request.replaces = o.run;
    results.push_back(run_training(one.stacks, request, device, pool, o.common, "the same command with --resume"));
    one.stacks.clear();
  }
  if (!writes) return;
  if (!o.page.empty()) write_page(o, data);
  if (o.common.json) print_json(records(data, results));
  say(o.common, "{}: trained; try: n2s denoise {} {} -o restored{}", o.run, o.run, o.data.front(),
      data.medical ? ".nii.gz" : ".tif");
}

}  // namespace

void add_train(Program& program) {
  auto options = std::make_shared<TrainOptions>();
  Verb verb = program.add_verb("train", "Train a network on one or many stacks", true);
  verb.option("DATA", options->data, "Stacks to train on: noisy, or clean with --noise").required();
  verb.option("-o,--output", options->run, "Folder of the run: models, state, log, pictures").required();
  verb.option("--target", options->targets,
              "Target stacks, one per DATA: a second noisy copy or, for noise2clean, the clean stack");
  verb.option("--validation", options->validation, "Stacks to validate on (default: planes held out of DATA)");
  add_page_option(verb, options->page, "planes before and after, losses and settings");
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
      "  n2s train clean/*.nii.gz -o run --noise kspace:0.1 --planes 5  the paper's MRI experiment\n"
      "  mpirun -n 8 n2s train noisy.tif -o run                         eight processes share each step's images");
  verb.on_run_of_ranks([options](ProcessRanks* ranks) {
    if (!options->training.length.is_set())
      options->training.length.epochs = options->training.recipe.empty() ? 100 : 300;
    train(*options, ranks);
  });
}

}  // namespace n2s
