// Trains on the stacks of a file themselves, one network for each channel, and restores them.
#include "tools/verbs/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "data/atomic_file.h"
#include "data/image_writer.h"
#include "kernels/base/error.h"
#include "tools/common.h"
#include "tools/inspect/restoring_advice.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/loaded_file.h"
#include "tools/measured_levels.h"
#include "tools/model_use.h"
#include "tools/pictures/result_pictures.h"
#include "tools/progress.h"
#include "tools/report/page.h"
#include "tools/report/run_report.h"
#include "tools/run_folder.h"
#include "tools/second_copy.h"
#include "tools/stored_stacks.h"
#include "tools/streamed_denoise.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

struct RestoreOptions {
  CommonOptions common;
  InputOptions input;
  TrainingOptions training;
  std::string in, second, out, run, page;
  bool as_float = false;
};

/// A second copy is what a single file has not.
void check_learns_alone(const RestoreOptions& o, const TrainingRequest& request) {
  const TrainingMethod& method = method_of(request.batches);
  if (method.needs_target && o.second.empty() && !request.batches.noise)
    throw Error(
        fmt::format("--method {} with {} input plane{} ({}) needs another copy: give it with --second, or learn from "
                    "one alone, as noise2stack does with an even number of --planes",
                    method.name, request.batches.planes, request.batches.planes == 1 ? "" : "s", method.title));
}

/// Of the methods, those that two noisy copies can teach each other with.
void check_method_takes_second(const RestoreOptions& o) {
  if (o.second.empty()) return;
  const std::string name = method_name(o.training);
  const TrainingMethod& method = training_method(name, default_planes(name, 5, true));
  if (method.blind_spots)
    throw Error(
        fmt::format("--second: {} learns from one copy alone; leave --second out, or choose another method", name));
  if (method.target == TargetOf::clean_source)
    throw Error(
        fmt::format("--second: is a second noisy copy, but {} learns from a clean one: use n2s train --target", name));
}

/// Of one network.
struct TrainedGroup {
  NetworkGroup group;
  TrainingRequest request;
  TrainingResult result;
};

/// Trains a network for each group of the file's stacks, which are `stacks`.
class GroupTraining {
 public:
  GroupTraining(const RestoreOptions& o, const OpenFile& file, const fs::path& run, VoxelMemory& memory,
                const Device& device, ThreadPool& pool)
      : o_(o), file_(file), run_(run), memory_(memory), device_(device), pool_(pool) {}

  /// `seconds` are empty, or the second copies of the stacks.
  std::vector<TrainedGroup> train(const std::vector<StackPlanes>& stacks, const std::vector<Stack>& seconds = {}) {
    std::vector<TrainedGroup> trained;
    for (NetworkGroup& group : network_groups(file_, o_.training.channels)) {
      if (!group.name.empty()) say(o_.common, "{}:", group.name);
      std::vector<TrainingStack> shared;
      for (const std::size_t i : group.stacks) {
        shared.push_back({stacks[i], std::nullopt, {}, file_.name_of(i)});
        if (!seconds.empty()) shared.back().target = seconds[i];
      }
      trained.push_back(train_one(std::move(group), shared, trained.empty()));
    }
    return trained;
  }

 private:
  TrainedGroup train_one(NetworkGroup group, std::vector<TrainingStack>& stacks, bool is_first) {
    TrainingOptions training = o_.training;
    training.both_ways = !o_.second.empty();
    training.resume = training.resume && holds_run(run_ / group.subfolder);  // else it had not begun
    std::string advice;
    if (training.resume)
      take_settings_of_run(training, run_ / group.subfolder);
    else if (o_.second.empty())
      advice = take_advice(training, file_, group, o_.common);
    const Network& network = choose_network(training.network, method_name(training), file_.image.medical);
    TrainingRequest request = prepare_training(training, network, o_.common, stacks, memory_, device_, pool_);
    check_learns_alone(o_, request);
    request.folder = run_ / group.subfolder;
    request.advice = std::move(advice);
    if (is_first && !o_.training.resume) request.replaces = run_;
    const std::string resume =
        fmt::format("n2s restore {} -o {} --resume (and the options given before)", o_.in, o_.out);
    TrainingResult result = run_training(stacks, request, device_, pool_, o_.common, resume);
    return {std::move(group), std::move(request), std::move(result)};
  }

  const RestoreOptions& o_;
  const OpenFile& file_;
  const fs::path& run_;
  VoxelMemory& memory_;
  const Device& device_;
  ThreadPool& pool_;
};

void write_panel(TrainedGroup& trained, const Stack& noisy, const Stack& restored) {
  const fs::path panel = trained.request.folder / "panel.png";
  middle_panel({{"noisy", &noisy}, {"restored", &restored}}).save(panel);
  trained.result.files["panel"] = panel.string();
}

/// Denoises the stacks of `file` that share a network, into `results`.
void restore_stacks(const RestoreOptions& o, const LoadedFile& file, const TrainedGroup& trained, const Device& device,
                    std::vector<Stack>& results) {
  const LoadedModel model = load_model(trained.request.folder);
  std::vector<NamedStack> stacks;
  long planes = 0;
  for (const std::size_t i : trained.group.stacks) {
    stacks.push_back({file.name_of(i), file.stacks[i]});
    planes += file.stacks[i].planes;
  }
  CommonOptions silent = o.common;  // the levels have been described by the training
  silent.quiet = true;
  std::vector<SeenStack> seen =
      see_stacks(std::move(stacks), trained.request.batches.normalisation.kind, LevelsFrom::stack, device, silent);
  Progress progress("restoring", "planes", planes, o.common.quiet);
  long before = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    InferenceOptions inference;
    inference.progress = [&](long done, long) {
      progress.update(before + done);
      if (interrupted()) throw Error("interrupted; nothing was written");
    };
    results[trained.group.stacks[i]] = denoise(model, seen[i], device, inference);
    before += seen[i].stack.planes;
  }
  progress.finish();
}

WriteOptions write_options(const RestoreOptions& o) {
  return write_options(o.common, o.as_float);
}

std::vector<TrainedGroup> restore_in_memory(const RestoreOptions& o, const OpenFile& opened, const fs::path& run,
                                            const Device& device, ThreadPool& pool) {
  const LoadedFile file = load_noisy_file(o.in, o.input, o.common);
  const Stack& first = file.stacks.front();
  warn_of_few_steps(file, plane_of(first, first.planes / 2), o.out, write_options(o));
  std::optional<LoadedFile> second;
  if (!o.second.empty()) second = load_second_copy(o.second, file, o.input, o.common);
  VoxelMemory unused;
  std::vector<TrainedGroup> trained =
      GroupTraining(o, opened, run, unused, device, pool)
          .train({file.stacks.begin(), file.stacks.end()}, second ? second->stacks : std::vector<Stack>{});
  std::vector<Stack> restored(file.stacks.size());
  std::vector<Stack> restored_second(file.stacks.size());
  for (const TrainedGroup& one : trained) {
    restore_stacks(o, file, one, device, restored);
    if (second) restore_stacks(o, *second, one, device, restored_second);
  }
  if (second) average(restored_second, restored);
  for (TrainedGroup& one : trained) {
    const std::size_t shown = one.group.stacks.front();
    write_panel(one, file.stacks[shown], restored[shown]);
  }
  write_uninterrupted(o.out, file.with(restored), write_options(o));
  return trained;
}

/// Collects the middle plane of each stack while planes are restored.
class MiddlePlanes {
 public:
  explicit MiddlePlanes(const OpenFile& file) : file_(&file), planes_(file.selected.stacks.size()) {}

  void see(std::size_t stack, int first, std::span<const float> planes) {
    const Stack shape = stack_shape(file_->image, file_->selected.stacks[stack]);
    const int middle = shape.planes / 2 - first;
    const std::size_t pixels = plane_pixels(shape);
    if (middle < 0 || static_cast<std::size_t>(middle) >= planes.size() / pixels) return;
    const auto plane = planes.subspan(static_cast<std::size_t>(middle) * pixels, pixels);
    planes_[stack] = {1, shape.height, shape.width, {plane.begin(), plane.end()}};
  }

  Stack noisy(std::size_t stack) const {
    return read_planes(*file_, stack, stack_shape(file_->image, file_->selected.stacks[stack]).planes / 2, 1);
  }
  const Stack& restored(std::size_t stack) const { return planes_[stack]; }

 private:
  const OpenFile* file_;
  std::vector<Stack> planes_;
};

/// The stored planes are gone when it returns.
std::vector<TrainedGroup> train_stored(const RestoreOptions& o, const OpenFile& file, const fs::path& run,
                                       const Device& device, ThreadPool& pool) {
  describe_file(file, o.common);
  warn_of_few_steps(file, o.out, write_options(o));
  VoxelMemory memory = voxel_memory(o.training.memory_gib, run);
  const std::vector<StackPlanes> stacks = store_stacks(file, 0, memory);
  describe(memory, o.common);
  return GroupTraining(o, file, run, memory, device, pool).train(stacks);
}

/// A file larger than memory, whose planes come in the order of the output.
std::vector<TrainedGroup> restore_large(const RestoreOptions& o, const OpenFile& file, const fs::path& run,
                                        const Device& device, ThreadPool& pool) {
  std::vector<TrainedGroup> trained = train_stored(o, file, run, device, pool);
  const InterruptGuard guard;
  const std::vector<LoadedModel> models = load_models(run);
  const std::unique_ptr<ImageWriter> writer =
      create_image(o.out, result_header(file.image, file.selected), write_options(o));
  MiddlePlanes middle(file);
  Progress progress("restoring", "planes", static_cast<long>(file.planes()), o.common.quiet);
  StreamedDenoising job{file, models, device, {}, false, std::nullopt, o.common.seed, pool};
  job.inference.memory_limit = activation_memory(o.common);
  job.progress = [&](long done) { progress.update(done); };
  job.restored = [&](std::size_t stack, int first, std::span<const float> planes) { middle.see(stack, first, planes); };
  denoise_streamed(job, writer.get());
  progress.finish();
  for (TrainedGroup& one : trained) {
    const std::size_t shown = one.group.stacks.front();
    write_panel(one, middle.noisy(shown), middle.restored(shown));
  }
  return trained;
}

/// Whether the file is read and written a few planes at a time.
bool is_streamed(const RestoreOptions& o, const OpenFile& file) {
  return o.second.empty() && is_large(file) &&
         comes_in_order(file, *create_image(o.out, result_header(file.image, file.selected), write_options(o)));
}

/// That a stack needs. A method that sees one plane needs no neighbours, but even-odd a partner for it.
int fewest_planes(const RestoreOptions& o) {
  constexpr int kWithNeighbours = 3;
  if (o.training.planes > 1) return kWithNeighbours;
  const std::string method = method_name(o.training);
  const int planes = default_planes(method, kWithNeighbours, !o.second.empty());
  if (planes > 1) return kWithNeighbours;
  return training_method(method, planes).target == TargetOf::partner_copy && o.second.empty() ? 2 : 1;
}

/// One network: its record. Several: {"networks": [record, ...], "files"}.
void print_records(const RestoreOptions& o, const std::vector<TrainedGroup>& trained) {
  nlohmann::json json;
  if (trained.size() == 1) {
    json = result_json(trained.front().result);
  } else {
    for (const TrainedGroup& one : trained) {
      json["networks"].push_back(result_json(one.result));
      json["networks"].back()["channel"] = one.group.channel;
    }
  }
  json["files"]["restored"] = o.out;
  if (!o.page.empty()) json["files"]["report"] = o.page;
  print_json(json);
}

void write_page(const RestoreOptions& o, const std::vector<TrainedGroup>& trained) {
  std::vector<ReportedRun> runs;
  runs.reserve(trained.size());
  for (const TrainedGroup& one : trained)
    runs.push_back({one.group.name.empty() ? o.in : one.group.name, one.request.folder});
  write_run_report(o.page, o.in + ", restored", runs, o.common.force);
}

void restore(const RestoreOptions& o) {
  check_method_takes_second(o);
  check_image_extension(o.out);
  check_output_path(o.out, o.common.force);
  if (!o.page.empty()) check_page_path(o.page, o.common.force);
  const fs::path run = o.run.empty() ? o.out + ".run" : o.run;
  const std::unique_ptr<RunLock> lock = lock_run_folder(run, o.training.resume, o.common.force);
  const OpenFile file = open_file(o.in, o.input);
  check_neighbours(file, fewest_planes(o));
  check_image_fits(o.out, result_header(file.image, file.selected), write_options(o));
  say_of_lost_orientation(file, o.out, o.common);
  const Device device = open_device(o.common);
  ThreadPool pool(o.common.threads);
  const std::vector<TrainedGroup> trained =
      is_streamed(o, file) ? restore_large(o, file, run, device, pool) : restore_in_memory(o, file, run, device, pool);
  if (!o.page.empty()) write_page(o, trained);
  if (o.common.json) print_records(o, trained);
  say(o.common, "{}: restored; model, log and pictures are in {}", o.out, run.string());
}

}  // namespace

void add_restore(Program& program) {
  auto options = std::make_shared<RestoreOptions>();
  options->training.crop = 64;
  Verb verb =
      program.add_verb("restore", "Train on a noisy stack itself, then denoise it: nothing else is needed", true);
  verb.option("IN", options->in, "The noisy stack").required();
  verb.option("--second", options->second,
              "A second noisy copy, which is kept in memory: the two teach each other, and the result is the mean of "
              "both restored copies");
  add_output_option(verb, options->out, "The restored stack");
  add_float_option(verb, options->as_float);
  verb.option("--run", options->run, "Folder for model, log and pictures (default: OUT.run)");
  add_page_option(verb, options->page, "planes before and after, losses and settings");
  add_input_options(verb, options->input);
  add_training_options(verb, options->training);
  verb.option("--advice", options->training.advice,
              "Inspect the stack (n2s inspect) and choose method, planes, gap and normalisation by what it is like, "
              "where they are not given")
      .one_of({"on", "off"})
      .show_default();
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
