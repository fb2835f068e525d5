// See system_run.h.
#include "tools/experiments/system_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "analysis/segmentation.h"
#include "data/stack_planes.h"
#include "engine/graph/fusion.h"
#include "engine/training/batches.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "tools/clock.h"
#include "tools/experiments/downstream.h"
#include "tools/experiments/test_stacks.h"
#include "tools/filters/bm3d_filter.h"
#include "tools/interrupt.h"
#include "tools/measured_levels.h"
#include "tools/model_use.h"
#include "tools/progress.h"
#include "tools/report/example_planes.h"
#include "tools/run_folder.h"
#include "tools/stored_stacks.h"
#include "tools/streamed_denoise.h"
#include "tools/training_request.h"
#include "tools/training_run.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
constexpr long kQuickSteps = 600;
constexpr int kQuickCrop = 64;  // pixels

CommonOptions silent(CommonOptions common) {
  common.quiet = true;
  return common;
}

/// Its loss needs whole planes: of a scale in steps as many pixels are seen as by others, in batches of 4.
void follow_recipe(const ExperimentContext& context, const System& system, TrainingOptions& options) {
  options.recipe = system.recipe;
  if (options.length.epochs > 0) {
    options.length.epochs *= 3;  // 300 instead of 100
    return;
  }
  const StoredDataSet::Entry first = context.data.of(Part::train).front();
  const Stack stack = load_copy(context.data, first, std::string(system.copy));
  const double of_plane = double{1} * stack.height * stack.width;
  const double of_others = double{1} * options.crop * options.crop * options.batch;
  options.batch = 4;
  options.crop = std::max(stack.height, stack.width);
  options.length.steps =
      std::max(1L, std::lround(static_cast<double>(options.length.steps) * of_others / (of_plane * options.batch)));
}

TrainingOptions training_options(const ExperimentContext& context, const System& system) {
  TrainingOptions options;
  options.method = system.method;
  options.planes = system.planes;
  options.crop = context.scale.crop;
  options.length = context.scale.length;
  if (context.data.kind == "mri") {
    const bool hides_pixels = training_method(options.method, options.planes).blind_spots.has_value();
    options.noise = fmt::format("kspace:{}", kMriNoise.rate);
    if (!hides_pixels) options.normalisation = "none";  // the data set is scaled
  }
  if (!system.recipe.empty()) follow_recipe(context, system, options);
  return options;
}

const Network& network_of(const ExperimentContext& context, const TrainingOptions& options) {
  return choose_network(options.network, options.method, context.data.kind == "mri");
}

/// What the segmentation network learns from, where the sources are kept.
std::vector<StackPlanes> mask_targets(const ExperimentContext& context,
                                      const std::vector<StoredDataSet::Entry>& entries, const System& system,
                                      const std::vector<StackPlanes>& sources, VoxelMemory& memory) {
  const CommonOptions quiet = silent(context.common);
  const std::string kind = find_network("microscopy").normalisation;
  std::vector<StackPlanes> targets;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::vector<SeenStack> seen =
        see_stacks({{entries[i].name, load_copy(context.data, entries[i], std::string(system.copy))}}, kind,
                   LevelsFrom::stack, context.device, quiet);
    Stack target = mask_target(seen.front().stack, seen.front().normalisation);
    if (sources[i].in_memory() != nullptr) {
      targets.emplace_back(std::move(target));
      continue;
    }
    const auto stored = std::make_shared<StoredPlanes>(StoredPlanes::Shape{target.planes, target.height, target.width},
                                                       Image{}, memory);
    for (int plane = 0; plane < target.planes; ++plane) stored->write(plane, plane_of(target, plane));
    targets.emplace_back(stored);
  }
  return targets;
}

/// The stacks of the training part, and those of the validation part with all planes held out.
std::vector<TrainingStack> training_stacks(const ExperimentContext& context, const System& system, VoxelMemory& memory,
                                           bool only_one) {
  std::vector<TrainingStack> stacks;
  for (const Part part : {Part::train, Part::validation}) {
    if (only_one && part != Part::train) continue;
    std::vector<StoredDataSet::Entry> entries = context.data.of(part);
    if (only_one) entries.resize(1);
    const std::vector<StackPlanes> sources = load_for_training(context.data, entries, std::string(system.copy), memory);
    std::vector<StackPlanes> targets;
    if (!system.target.empty()) targets = load_for_training(context.data, entries, std::string(system.target), memory);
    if (system.work == Work::segmentation) targets = mask_targets(context, entries, system, sources, memory);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      TrainingStack stack{sources[i], std::nullopt, {}, entries[i].name};
      if (!targets.empty()) stack.target = targets[i];
      for (int plane = 0; part == Part::validation && plane < stack.source.planes; ++plane)
        stack.held_out.insert(plane);
      stacks.push_back(std::move(stack));
    }
  }
  return stacks;
}

/// Restores a test stack with the network of `run`.
class NetworkRestoring {
 public:
  NetworkRestoring(const ExperimentContext& context, const fs::path& run)
      : context_(&context), model_(load_model(run)), quiet_(silent(context.common)) {}

  Stack operator()(const TestStack& test) const {
    std::vector<SeenStack> seen =
        see_stacks({{test.name, test.noisy}}, model_.normalisation.kind, LevelsFrom::stack, context_->device, quiet_);
    InferenceOptions options;
    options.memory_limit = activation_memory(context_->common);
    return denoise(model_, seen.front(), context_->device, options);
  }

 private:
  const ExperimentContext* context_;
  LoadedModel model_;
  CommonOptions quiet_;
};

Stack bm3d_restored(const ExperimentContext& context, const TestStack& test) {
  const StackNoise noise = noise_of({}, planes_to_read(test.name, test.noisy));
  Stack restored = test.noisy;
  bm3d_filter(noise, context.common, context.device, context.pool).run(test.noisy, restored.voxels);
  return restored;
}

void train(const ExperimentContext& context, const System& system, std::uint64_t seed, const fs::path& folder,
           SystemResult& result) {
  CommonOptions common = context.common;
  common.seed = seed;
  TrainingOptions options = training_options(context, system);
  options.resume = holds_run(folder);
  VoxelMemory memory = voxel_memory(0, folder);
  std::vector<TrainingStack> stacks = training_stacks(context, system, memory, false);
  if (context.data.of(Part::validation).empty()) options.held_out = -1;
  TrainingRequest request = prepare_training(options, network_of(context, options), silent(common), stacks, memory,
                                             context.device, context.pool);
  request.folder = folder;
  const TrainingResult trained =
      run_training(stacks, request, context.device, context.pool, common, "the same command again");
  result.steps = trained.steps;
  result.train_seconds = trained.seconds;
}

std::function<Stack(const TestStack&)> restoring(const ExperimentContext& context, const System& system,
                                                 const fs::path& folder) {
  switch (system.work) {
    case Work::input:
      return [](const TestStack& test) { return test.noisy; };
    case Work::combined:
      return [&](const TestStack& test) { return combined_copies(context.data, test.number, test, context.pool); };
    case Work::bm3d:
      return [&](const TestStack& test) { return bm3d_restored(context, test); };
    case Work::network:
    case Work::segmentation:
      break;
  }
  return NetworkRestoring(context, folder);
}

}  // namespace

ExperimentScale experiment_scale(const std::string& name) {
  ExperimentScale scale;
  scale.name = name;
  if (name == "paper") {
    scale.length.epochs = 100;
    return scale;
  }
  scale.crop = kQuickCrop;
  scale.length.steps = kQuickSteps;
  if (name == "quick") return scale;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), scale.length.steps);
  if (error != std::errc() || end != name.data() + name.size() || scale.length.steps < 1 ||
      scale.length.steps > kMostSteps)
    throw Error(fmt::format("--scale {}: choose quick, paper, or a number of steps", name));
  return scale;
}

SystemResult run_system(const ExperimentContext& context, const System& system, std::uint64_t seed,
                        const fs::path& folder) {
  SystemResult result;
  result.system = system.name;
  result.seed = seed;
  fs::create_directories(folder);
  if (learns(system.work)) train(context, system, seed, folder, result);
  if (system.work == Work::segmentation) return result;
  const std::function<Stack(const TestStack&)> restore = restoring(context, system, folder);
  const auto count = static_cast<int>(context.data.of(Part::test).size());
  std::optional<Segmentation> segmentation;
  if (!context.segmentation.empty() && is_segmented(system))
    segmentation.emplace(context.segmentation, context.device, context.common);
  Progress progress("measuring", "stacks", count, context.common.quiet);
  for (int i = 0; i < count; ++i) {
    if (interrupted()) throw Error("interrupted; the same command again continues");
    const TestStack test = load_test_stack(context.data, system, i, context.pool);
    const auto before = Clock::now();
    const Stack restored = restore(test);
    result.restore_seconds += seconds_since(before);
    std::optional<Stack> post;
    if (context.data.kind == "mri" && system.planes > 0)
      post = with_measured_frequencies(test, restored, context.device, context.pool);
    if (i == 0) {
      if (!test.truth) write_example(folder / "example-input.tif", example_planes(test.noisy));
      write_example(folder / "example.tif", example_planes(restored));
      if (post) write_example(folder / "example-post.tif", example_planes(*post));
    }
    SystemResult::OfStack figures;
    figures.name = test.name;
    if (test.truth) {
      const auto measured = [&](const Stack& stack) {
        return measure(context.data.kind, stack, *test.truth, context.device, silent(context.common), result.how);
      };
      figures.planes = measured(restored);
      if (post) figures.post = measured(*post);
    }
    if (segmentation && (test.truth || system.copy == "high")) {
      const Stack masks = segmentation->masks(restored);
      figures.objects = Segmentation::compare(masks, otsu_masks(test.truth ? *test.truth : restored));
      if (i == 0) write_example(folder / "example-masks.tif", example_planes(masks));
    }
    result.stacks.push_back(std::move(figures));
    progress.update(i + 1);
  }
  return result;
}

bool is_segmented(const System& system) {
  return system.work != Work::segmentation && (system.copy == "low" || system.copy == "high");
}

double estimated_seconds(const ExperimentContext& context, const System& system, const fs::path& scratch) {
  constexpr double kFilterSeconds = 1.5e-6;   // per pixel
  constexpr double kMeasureSeconds = 0.2e-6;  // per pixel: reading, noise, metrics
  const std::vector<StoredDataSet::Entry> tests = context.data.of(Part::test);
  const Stack first = load_copy(context.data, tests.front(), std::string(system.copy));
  const double pixels = static_cast<double>(first.voxels.size()) * static_cast<double>(tests.size());
  constexpr int kSteps = 3;
  const TrainingLength& length = context.scale.length;
  if (learns(system.work) && length.epochs == 0 && length.steps <= kSteps) return 1;  // as soon done as measured
  if (!learns(system.work)) return pixels * (kMeasureSeconds + (system.work == Work::bm3d ? kFilterSeconds : 0));
  VoxelMemory memory = voxel_memory(0, scratch);
  std::vector<TrainingStack> stacks = training_stacks(context, system, memory, true);
  TrainingOptions options = training_options(context, system);
  options.held_out = 0;
  const TrainingRequest request = prepare_training(options, network_of(context, options), silent(context.common),
                                                   stacks, memory, context.device, context.pool);
  StackBatches batches(stacks, request.batches, context.pool);
  const Graph graph = fuse(request.network->build(request.batches.planes));
  TrainingSettings settings;
  settings.adam = request.adam;
  settings.masked_loss = request.batches.blind_spots.has_value();
  Trainer trainer(*context.device.backend, graph, batches, {}, settings);
  trainer.set_total_steps(kSteps + 1);
  trainer.step();
  const auto start = Clock::now();
  for (int i = 0; i < kSteps; ++i) trainer.step();
  const double step = seconds_since(start) / kSteps;
  const double step_pixels = static_cast<double>(batches.extents().batch) * batches.extents().height *
                             static_cast<double>(batches.extents().width);
  const auto per_epoch =
      static_cast<double>(batches.steps_per_epoch() * static_cast<long>(context.data.of(Part::train).size()));
  const double steps = options.length.epochs > 0 ? static_cast<double>(options.length.epochs) * per_epoch
                                                 : static_cast<double>(options.length.steps);
  return steps * step + pixels * (step / step_pixels / 3 + kMeasureSeconds);
}

}  // namespace n2s
