// The decisions behind a training run, one function each; prepare_training() lists them in order.
#include "tools/training_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "data/json_text.h"
#include "engine/training/fixed_noise.h"
#include "kernels/base/error.h"
#include "tools/blind_spot_options.h"
#include "tools/doubtful_noise.h"
#include "tools/stack_levels.h"
#include "tools/stored_stacks.h"

namespace n2s {
namespace {

using Stacks = std::vector<TrainingStack>;

std::optional<NoiseSpec> simulated_noise(const TrainingOptions& o) {
  if (o.noise.empty()) return std::nullopt;
  return parse_noise(o.noise);
}

/// Evenly spread planes that validate: `requested` of them, or one in 25 where it is negative.
std::set<int> held_out_planes(int depth, int requested) {
  constexpr int kShort = 20;  // planes; in a shorter stack all planes train: each is a large part of the data
  if (requested < 0) requested = depth < kShort ? 0 : std::max(1, depth / 25);
  if (requested >= depth)
    throw Error(fmt::format("--validation-planes {}: a stack has only {} planes, and none would be left to train on",
                            requested, depth));
  std::set<int> planes;
  for (int i = 0; i < requested; ++i) planes.insert((2 * i + 1) * depth / (2 * requested));
  return planes;
}

/// Planes that are each other's targets are held out together.
void add_partners(const TrainingMethod& method, TrainingStack& stack) {
  std::set<int> partners;
  for (const int plane : stack.held_out) partners.insert(target_plane(method, stack, plane));
  stack.held_out.merge(partners);
}

/// Stacks that come with held-out planes (--validation) keep theirs.
void hold_planes_out(const TrainingOptions& o, const TrainingMethod& method, Stacks& stacks) {
  for (TrainingStack& stack : stacks) {
    if (stack.held_out.empty()) stack.held_out = held_out_planes(stack.source.planes, o.held_out);
    add_partners(method, stack);
  }
}

bool nothing_held_out(const Stacks& stacks) {
  return std::all_of(stacks.begin(), stacks.end(), [](const TrainingStack& s) { return s.held_out.empty(); });
}

/// Planes on one side of the target that a stack has no plane for would be filled with copies of others.
void check_reach(const TrainingOptions& o, int planes, int shortest) {
  const int side = planes / 2;
  const int gap = std::max(0, o.gap);
  if (side == 0 || side + gap < shortest) return;
  throw Error(
      fmt::format("--planes {} --gap {}: reaches {} planes to each side, but the shortest stack has {}; choose fewer",
                  planes, gap, side + gap, shortest));
}

int choose_planes(const TrainingOptions& o, const Stacks& stacks) {
  int shortest = std::numeric_limits<int>::max();
  for (const TrainingStack& stack : stacks) shortest = std::min(shortest, stack.source.planes);
  if (o.planes > 0) {
    check_reach(o, o.planes, shortest);
    return o.planes;
  }
  const bool has_target = std::any_of(stacks.begin(), stacks.end(), [](const auto& s) { return s.target.has_value(); });
  const int planes = default_planes(method_name(o), shortest, has_target);
  check_reach(o, planes, shortest);
  return planes;
}

/// Without validation there is no best model. The paper's schedule, by epochs, keeps the best one; where the learning
/// rate falls to zero within the run the last one is as good, and the choice adds no luck.
Keep choose_model(const TrainingOptions& o, bool held_out_nothing) {
  if (held_out_nothing && o.keep == "best")
    throw Error(
        "--keep best: no planes are held out to choose the model by; add --validation-planes N or --validation FILE");
  if (held_out_nothing) return Keep::last;
  if (o.keep.empty()) return o.length.epochs > 0 ? Keep::best : Keep::last;
  return o.keep == "best" ? Keep::best : Keep::last;
}

/// All of a stack in memory, else a sample.
std::vector<int> planes_to_look_at(const StackPlanes& stack) {
  if (stack.in_memory() == nullptr) return sampled_planes(stack.planes);
  std::vector<int> all(static_cast<std::size_t>(stack.planes));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Of the targets of all stacks together, which are finite.
double target_variance(const Stacks& stacks) {
  double count = 0;
  double sum = 0;
  double squares = 0;
  std::vector<float> storage;
  for (const TrainingStack& stack : stacks) {
    const StackPlanes& targets = stack.target ? *stack.target : stack.source;
    for (const int plane : planes_to_look_at(targets))
      for (const float v : targets.plane(plane, storage)) {
        ++count;
        sum += v;
        squares += double{v} * v;
      }
  }
  return std::max(0.0, squares / count - sum / count * (sum / count));
}

/// Before the stacks are normalised; of the first that it does not fit.
void warn_of_doubtful_noise(const std::optional<NoiseSpec>& noise, const Stacks& stacks) {
  if (!noise) return;
  std::vector<float> storage;
  for (const TrainingStack& stack : stacks) {
    const std::span<const float> middle = stack.source.plane(stack.source.planes / 2, storage);
    const bool negative = warn_of_negative_light(stack.name, *noise, middle);
    if (warn_of_doubtful_level(stack.name, *noise, middle) || negative) return;
  }
}

/// Whether the first, the middle and the last plane are equal, and not all of them constant.
bool are_same_image(const StackPlanes& a, const StackPlanes& b) {
  if (a.planes != b.planes || a.height != b.height || a.width != b.width) return false;  // is refused elsewhere
  std::vector<float> storage_a;
  std::vector<float> storage_b;
  bool has_content = false;
  for (const int number : {0, a.planes / 2, a.planes - 1}) {
    const std::span<const float> plane = a.plane(number, storage_a);
    const std::span<const float> other = b.plane(number, storage_b);
    if (!std::equal(plane.begin(), plane.end(), other.begin(), other.end())) return false;
    const auto [low, high] = std::minmax_element(plane.begin(), plane.end());
    has_content = has_content || *low < *high;
  }
  return has_content;
}

/// A second copy or a truth has other noise.
void check_targets_differ(const Stacks& stacks) {
  for (const TrainingStack& stack : stacks)
    if (stack.target && are_same_image(stack.source, *stack.target))
      throw Error(
          fmt::format("{}: its target is the same image, so that its noise would be learned as signal; give another "
                      "exposure, or leave it out to learn from one alone",
                      stack.name));
}

/// Camera noise has one strength in the files' units, and so needs one map for all files.
LevelsFrom training_levels(const TrainingOptions& o, const Stacks& stacks) {
  const std::optional<NoiseSpec> noise = simulated_noise(o);
  const bool camera = noise && pixel_noise(*noise);
  return camera && stacks.size() > 1 ? LevelsFrom::shared : levels_from(o.levels);
}

/// Stored stacks; see normalise().
Normalisation normalise_stored(const TrainingOptions& o, const std::string& kind, Stacks& stacks,
                               const CommonOptions& common, std::string& levels) {
  std::vector<NamedPlanes> sources;
  sources.reserve(stacks.size());
  for (const TrainingStack& stack : stacks) sources.push_back({stack.name, stack.source});
  StoredLevels stored = see_stored(sources, kind, training_levels(o, stacks), common);
  nlohmann::json json = nlohmann::json::array();
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    json.push_back(levels_json(stored.seen[i]));
    stacks[i].source = std::move(stored.planes[i]);
    if (stacks[i].target)
      stacks[i].target = with_levels({stacks[i].name, *stacks[i].target}, stored.seen[i].normalisation);
  }
  levels = json_text(json);
  return stored.shared;
}

/// Normalises sources, and targets with the map of their source. The map that is returned is for the model, and for
/// noise: that of all sources together.
Normalisation normalise(const TrainingOptions& o, const Network& network, Stacks& stacks, const Device& device,
                        const CommonOptions& common, std::string& levels) {
  const std::string kind = o.normalisation.empty() ? network.normalisation : o.normalisation;
  if (stacks.front().source.in_memory() == nullptr) return normalise_stored(o, kind, stacks, common, levels);
  std::vector<NamedStack> sources;
  for (TrainingStack& stack : stacks) sources.push_back({stack.name, stack.source.take()});
  std::vector<SeenStack> seen = see_stacks(std::move(sources), kind, training_levels(o, stacks), device, common);
  std::vector<const Stack*> together;
  together.reserve(seen.size());
  for (const SeenStack& stack : seen) together.push_back(&stack.stack);
  Normalisation shared =
      seen.size() == 1 ? seen.front().normalisation : fit_normalisation(together, robust_options(kind));
  nlohmann::json json = nlohmann::json::array();
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    json.push_back(levels_json(seen[i]));
    const Normalisation& map = seen[i].normalisation;
    apply_normalisation(map, seen[i].stack.voxels);
    stacks[i].source = std::move(seen[i].stack);
    if (!stacks[i].target) continue;
    Stack target = stacks[i].target->take();
    replace_extremes(target, map);
    apply_normalisation(map, target.voxels);
    stacks[i].target = std::move(target);
  }
  levels = json_text(json);
  return shared;
}

/// Traits of the data as the network gets them: with simulated noise, if there is any. From the first stack.
StackTraits traits_of(const Stacks& stacks, const BatchSettings& batches, ThreadPool& pool) {
  const StackPlanes& source = stacks.front().source;
  const std::vector<int> sample = sampled_planes(source.planes, pairs_to_sample(source.plane_pixels()));
  return stack_traits(with_simulated_noise(batches, take_planes(source, sample), pool));
}

/// Simulated noise is added to clean, already clipped volumes. Clipping it too would give it a mean other than zero.
void never_clip_noise(BatchSettings& batches) {
  if (!batches.noise) return;
  batches.normalisation.clip_low.reset();
  batches.normalisation.clip_high.reset();
}

/// Each stack with a second copy, once more with source and target exchanged.
void add_reversed(Stacks& stacks) {
  const std::size_t count = stacks.size();
  for (std::size_t i = 0; i < count; ++i)
    if (stacks[i].target) stacks.push_back({*stacks[i].target, stacks[i].source, stacks[i].held_out, stacks[i].name});
}

/// Of the stacks' planes. Throws Error where they differ in size, or are larger than a training image.
Stack plane_shape(const Stacks& stacks, const Augmentation& augmentation) {
  Stack shape{1, stacks.front().source.height, stacks.front().source.width, {}};
  for (const TrainingStack& stack : stacks) {
    if (stack.source.height == shape.height && stack.source.width == shape.width) continue;
    throw Error(fmt::format("--recipe noise2noise: {} has planes of {}x{} pixels, {} of {}x{}; all must be alike",
                            stacks.front().name, shape.height, shape.width, stack.name, stack.source.height,
                            stack.source.width));
  }
  if (augmentation.crop_height < shape.height || augmentation.crop_width < shape.width)
    throw Error(
        fmt::format("--recipe noise2noise: training images must be whole planes, which have {}x{} pixels; use "
                    "--crop {}",
                    shape.height, shape.width, std::max(shape.height, shape.width)));
  return shape;
}

/// What Noise2Noise's own code does otherwise (Lehtinen et al. 2018).
void follow_noise2noise(const TrainingOptions& o, const Stacks& stacks, TrainingRequest& request, ThreadPool& pool) {
  const std::optional<NoiseSpec> noise = simulated_noise(o);
  if (request.batches.method != "noise2noise" || !noise || !std::holds_alternative<KspaceNoise>(*noise) ||
      o.fixed_noise)
    throw Error("--recipe noise2noise: needs --method noise2noise and --noise kspace:RATE, without --fixed-noise");
  request.adam.beta2 = 0.99;
  request.schedule = Schedule::noise2noise;
  request.batches.augmentation.circular_shift = true;
  request.batches.augmentation.orientations = false;
  const Stack shape = plane_shape(stacks, request.batches.augmentation);
  request.spectral_loss = std::make_shared<SpectralLoss>(*noise, shape.height, shape.width, pool);
}

int largest_side(const Stacks& stacks) {
  int largest = 0;
  for (const TrainingStack& stack : stacks) largest = std::max({largest, stack.source.height, stack.source.width});
  return largest;
}

/// Squares of the requested side, else whole planes up to 256 pixels, rounded up to what the network's poolings divide.
/// Whole planes are shifted, where the network's experiments do that.
Augmentation choose_augmentation(const TrainingOptions& o, const Network& network, int largest) {
  const int divisor = 1 << depth(network.build(1));
  if (o.max_shift >= largest)
    throw Error(fmt::format("--max-shift {}: the images have {} pixels only; choose less", o.max_shift, largest));
  const int crop = std::min(o.crop > 0 ? o.crop : 256, largest);
  const bool whole_planes = crop >= largest;
  Augmentation augmentation;
  augmentation.crop_height = augmentation.crop_width = (crop + divisor - 1) / divisor * divisor;
  const int default_shift = whole_planes ? std::min(network.max_shift, largest / 4) : 0;
  augmentation.max_shift = o.max_shift >= 0 ? o.max_shift : default_shift;
  augmentation.fill = network.fill;
  augmentation.orientations = o.orientations || network.orientations;
  return augmentation;
}

}  // namespace

const Network& choose_network(const std::string& name, const std::string& method, bool medical) {
  const TrainingMethod& row = training_method(method, default_planes(method, 5, false));
  if (name.empty() && !row.network.empty()) return find_network(std::string(row.network));
  if (!name.empty()) {
    const Network& network = find_network(name);
    if (row.blind_spots && network.has_residual)
      throw Error(fmt::format("--net {}: adds an input plane to its result, which would show what {} hides; use {}",
                              name, method, row.network));
    return network;
  }
  return default_network(medical ? DefaultFor::medical_files : DefaultFor::other_files);
}

Stack with_simulated_noise(const BatchSettings& batches, Stack normalised, ThreadPool& pool) {
  if (!batches.noise) return normalised;
  undo_normalisation(batches.normalisation, normalised.voxels);
  Stack noisy = corrupt_stack(*batches.noise, normalised, batches.seed, Purpose::noise_input, 0, pool);
  apply_normalisation(batches.normalisation, noisy.voxels, false);
  return noisy;
}

TrainingRequest prepare_training(const TrainingOptions& o, const Network& network, const CommonOptions& common,
                                 std::vector<TrainingStack>& stacks, VoxelMemory& memory, const Device& device,
                                 ThreadPool& pool) {
  TrainingRequest request;
  request.network = &network;
  request.length = o.length;
  request.adam.learning_rate = o.learning_rate > 0   ? o.learning_rate
                               : o.length.epochs > 0 ? network.learning_rate
                                                     : network.step_learning_rate;
  request.fusion = !o.no_fusion;
  request.resume = o.resume;

  BatchSettings& batches = request.batches;
  batches.method = method_name(o);
  batches.gap = std::max(0, o.gap);
  batches.batch = o.batch;
  batches.seed = common.seed;
  batches.noise = simulated_noise(o);
  batches.planes = choose_planes(o, stacks);
  hold_planes_out(o, method_of(batches), stacks);
  request.held_out_nothing = nothing_held_out(stacks);
  request.keep = choose_model(o, request.held_out_nothing);
  batches.blind_spots = chosen_blind_spots(o, method_of(batches));
  check_targets_differ(stacks);
  warn_of_doubtful_noise(batches.noise, stacks);
  batches.normalisation = normalise(o, network, stacks, device, common, request.levels);
  never_clip_noise(batches);
  if (o.both_ways || method_of(batches).target == TargetOf::partner_copy) add_reversed(stacks);
  request.target_variance = target_variance(stacks);
  request.traits = traits_of(stacks, batches, pool);
  batches.augmentation = choose_augmentation(o, network, largest_side(stacks));
  request.schedule = o.length.epochs > 0 ? Schedule::cosine_per_epoch : Schedule::cosine_per_step;
  if (!o.recipe.empty()) follow_noise2noise(o, stacks, request, pool);
  if (o.fixed_noise) fix_noise(stacks, batches, pool, memory);
  return request;
}

}  // namespace n2s
