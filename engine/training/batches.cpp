#include "engine/training/batches.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/plane_selection.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

std::span<const float> stored_plane(const Stack& stack, int plane) {
  const std::size_t pixels = static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
  return std::span(stack.voxels).subspan(static_cast<std::size_t>(plane) * pixels, pixels);
}

bool self_supervised(const BatchSettings& settings) {
  return settings.method == Method::noise2stack && settings.planes % 2 == 0;
}

/// Noise is in the file's units, stacks are normalised: there and back, without clipping what the noise adds.
void corrupt_normalised(const PlaneNoise& noise, const Normalisation& normalisation, std::span<const float> clean,
                        const RandomKey& key, std::vector<float>& noisy) {
  std::vector<float> raw(clean.begin(), clean.end());
  undo_normalisation(normalisation, raw);
  noisy.resize(clean.size());
  noise.corrupt(raw, key, noisy);
  apply_normalisation(normalisation, noisy, false);
}

}  // namespace

TargetOf simulated_target(const BatchSettings& settings) {
  if (settings.method == Method::noise2clean) return TargetOf::clean_source;
  return self_supervised(settings) ? TargetOf::source_copy : TargetOf::second_copy;
}

Method parse_method(const std::string& name) {
  if (name == "noise2stack") return Method::noise2stack;
  if (name == "noise2noise") return Method::noise2noise;
  if (name == "noise2clean") return Method::noise2clean;
  throw Error(fmt::format("there is no method '{}': choose noise2stack, noise2noise or noise2clean", name));
}

std::string method_name(Method method) {
  if (method == Method::noise2noise) return "noise2noise";
  return method == Method::noise2clean ? "noise2clean" : "noise2stack";
}

void check_method(const BatchSettings& settings, const std::vector<TrainingStack>& stacks) {
  if (settings.method == Method::noise2noise && settings.planes != 1)
    throw Error("noise2noise sees one plane: use --planes 1, or noise2stack with an odd number of planes");
  if (settings.method == Method::noise2clean && settings.planes % 2 == 0)
    throw Error("noise2clean sees the plane that it restores: use an odd number of planes");
  for (const TrainingStack& stack : stacks) {
    if (!self_supervised(settings) && !stack.target && !settings.noise)
      throw Error(fmt::format("{} with {} plane{} needs a target: give --target, or clean data and --noise",
                              method_name(settings.method), settings.planes, settings.planes == 1 ? "" : "s"));
    if (stack.target && (stack.target->planes != stack.source.planes || stack.target->height != stack.source.height ||
                         stack.target->width != stack.source.width))
      throw Error(fmt::format("source and target differ in size: {}x{}x{} and {}x{}x{} voxels", stack.source.planes,
                              stack.source.height, stack.source.width, stack.target->planes, stack.target->height,
                              stack.target->width));
    if (settings.planes > 1) neighbour_planes(stack.source.planes, 0, settings.planes, settings.gap);
  }
}

std::vector<PlaneOfStack> training_targets(const std::vector<TrainingStack>& stacks, const BatchSettings& settings) {
  check_method(settings, stacks);
  std::vector<PlaneOfStack> targets;
  for (std::size_t s = 0; s < stacks.size(); ++s)
    for (int plane = 0; plane < stacks[s].source.planes; ++plane)
      if (!stacks[s].held_out.contains(plane)) targets.push_back({static_cast<int>(s), plane});
  if (targets.empty()) throw Error("no plane is left to train on: hold out fewer for validation");
  return targets;
}

StackBatches::StackBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, ThreadPool& pool)
    : stacks_(&stacks), settings_(settings), pool_(&pool), targets_(training_targets(stacks, settings)) {
  for (const TrainingStack& stack : stacks) {
    const int height = stack.source.height;
    const int width = stack.source.width;
    if (settings.noise) noise_.try_emplace({height, width}, *settings.noise, height, width);
  }
}

void StackBatches::move_to_device(Backend& backend, std::size_t limit) {
  on_device_ = backend.device_batches({*stacks_, settings_, *this, limit});
}

long StackBatches::steps_per_epoch() const {
  return (static_cast<long>(targets_.size()) + settings_.batch - 1) / settings_.batch;
}

Extents StackBatches::extents() const {
  return {settings_.batch, settings_.augmentation.crop_height, settings_.augmentation.crop_width};
}

std::span<const float> StackBatches::plane(const Sample& sample, int plane, bool as_target,
                                           std::vector<float>& storage) const {
  const TrainingStack& from = stack(sample.stack);
  if (as_target && from.target) return stored_plane(*from.target, plane);
  const TargetOf target = simulated_target(settings_);
  const std::span<const float> source = stored_plane(from.source, plane);
  if (!settings_.noise || (as_target && target == TargetOf::clean_source)) return source;
  const bool second = as_target && target == TargetOf::second_copy;
  const RandomKey key = sample_noise_key(settings_.seed, second ? Purpose::noise_target : Purpose::noise_input,
                                         sample.step, settings_.batch, sample.position, plane);
  corrupt_normalised(noise_.at({from.source.height, from.source.width}), settings_.normalisation, source, key, storage);
  return storage;
}

void StackBatches::fill_sample(const Sample& sample, FloatTensor input, FloatTensor target) {
  const Stack& source = stack(sample.stack).source;
  const RandomKey key = variation_key(settings_.seed, sample.step, sample.position);
  GatherPlane gather{nullptr, source.height, source.width, settings_.augmentation,
                     draw_sample(settings_.augmentation, source.height, source.width, key)};
  std::vector<float> storage;
  int channel = 0;
  for (const int index : neighbour_planes(source.planes, sample.plane, settings_.planes, settings_.gap)) {
    gather.plane = plane(sample, index, false, storage).data();
    gather_plane(gather, input, sample.position, channel++);
  }
  gather.plane = plane(sample, sample.plane, true, storage).data();
  gather_plane(gather, target, sample.position, 0);
}

void StackBatches::fill(long epoch, long step_in_epoch, FloatTensor input, FloatTensor target) {
  const auto count = static_cast<std::uint32_t>(targets_.size());
  const auto e = static_cast<std::uint32_t>(epoch);
  if (shuffled_epoch_ != epoch) {
    order_ = shuffled(count, order_key(settings_.seed, e));
    shuffled_epoch_ = epoch;
  }
  const BatchStep step{e, static_cast<std::uint32_t>(step_in_epoch)};
  pool_->parallel_for(settings_.batch, [&](std::ptrdiff_t sample, int) {
    const auto position = static_cast<int>(sample);
    const auto [stack_index, plane_index] =
        targets_[order_[place_in_epoch(step.step, settings_.batch, position, count)]];
    fill_sample({stack_index, plane_index, step, position}, input, target);
  });
}

ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  int side) {
  ValidationSet set;
  int height = side;
  int width = side;
  for (const TrainingStack& stack : stacks) {
    height = std::min(height, (stack.source.height + divisor - 1) / divisor * divisor);
    width = std::min(width, (stack.source.width + divisor - 1) / divisor * divisor);
    set.batches += static_cast<int>(stack.held_out.size());
  }
  if (set.batches == 0) return set;
  set.extents = {1, height, width};
  const Shape input{set.batches, height, width, settings.planes};
  const Shape target{set.batches, height, width, 1};
  set.inputs.resize(static_cast<std::size_t>(input.elements()));
  set.targets.resize(static_cast<std::size_t>(target.elements()));

  int image = 0;
  std::vector<float> storage;
  for (std::size_t s = 0; s < stacks.size(); ++s) {
    const Stack& source = stacks[s].source;
    std::optional<PlaneNoise> noise;
    if (settings.noise) noise.emplace(*settings.noise, source.height, source.width);
    const auto noisy = [&](int plane, Purpose copy) -> const float* {
      const std::span<const float> clean = stored_plane(source, plane);
      if (!noise) return clean.data();
      corrupt_normalised(*noise, settings.normalisation, clean,
                         plane_key(settings.seed, copy, static_cast<int>(s), plane), storage);
      return storage.data();
    };
    GatherPlane gather{nullptr, source.height, source.width, {}, {}};
    gather.augmentation.crop_height = height;
    gather.augmentation.crop_width = width;
    gather.draw.top = std::max(0, (source.height - height) / 2);
    gather.draw.left = std::max(0, (source.width - width) / 2);
    for (const int plane : stacks[s].held_out) {
      int channel = 0;
      for (const int index : neighbour_planes(source.planes, plane, settings.planes, settings.gap)) {
        gather.plane = noisy(index, Purpose::noise_input);
        gather_plane(gather, {set.inputs.data(), input}, image, channel++);
      }
      const TargetOf from = simulated_target(settings);
      if (stacks[s].target)
        gather.plane = stored_plane(*stacks[s].target, plane).data();
      else if (from == TargetOf::clean_source)
        gather.plane = stored_plane(source, plane).data();
      else
        gather.plane = noisy(plane, from == TargetOf::second_copy ? Purpose::noise_target : Purpose::noise_input);
      gather_plane(gather, {set.targets.data(), target}, image++, 0);
    }
  }
  return set;
}

}  // namespace n2s
