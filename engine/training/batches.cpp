// Draws each epoch's order and each sample's crop, and has the samples written side by side.
#include "engine/training/batches.h"

#include <algorithm>

namespace n2s {

StackBatches::StackBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, ThreadPool& pool,
                           std::optional<BatchShare> share)
    : stacks_(&stacks),
      settings_(settings),
      share_(share.value_or(BatchShare{0, settings.batch})),
      pool_(&pool),
      targets_(training_targets(stacks, settings)),
      writer_(stacks, settings),
      any_stored_(std::any_of(stacks.begin(), stacks.end(),
                              [](const TrainingStack& stack) { return stack.source.in_memory() == nullptr; })) {}

long StackBatches::steps_per_epoch() const {
  return (static_cast<long>(targets_.size()) + settings_.batch - 1) / settings_.batch;
}

Extents StackBatches::extents() const {
  return {share_.count, settings_.augmentation.crop_height, settings_.augmentation.crop_width};
}

Sample StackBatches::sample(const BatchStep& step, int image) const {
  const int position = share_.first + image;  // in the whole batch
  const auto count = static_cast<std::uint32_t>(targets_.size());
  const PlaneOfStack& target = targets_[order_[place_in_epoch(step.step, settings_.batch, position, count)]];
  const StackPlanes& source = (*stacks_)[static_cast<std::size_t>(target.stack)].source;
  const RandomKey key = variation_key(settings_.seed, step, position);
  return {target,
          image,
          settings_.augmentation,
          draw_sample(settings_.augmentation, source.height, source.width, key),
          [=, this](Purpose copy, int plane) {
            return sample_noise_key(settings_.seed, copy, step, settings_.batch, position, plane);
          },
          blind_spot_key(settings_.seed, step, settings_.batch, position)};
}

void StackBatches::shuffle(std::uint32_t epoch) {
  if (shuffled_epoch_ == epoch) return;
  order_ = shuffled(static_cast<std::uint32_t>(targets_.size()), order_key(settings_.seed, epoch));
  shuffled_epoch_ = epoch;
}

std::vector<RandomKey> StackBatches::noise_keys(const BatchStep& step) {
  if (!settings_.noise) return {};
  shuffle(step.epoch);
  std::vector<RandomKey> keys;
  for (int image = 0; image < share_.count; ++image) {
    const Sample own = sample(step, image);
    keys.push_back(own.noise_key(Purpose::noise_input, own.target.plane));
  }
  return keys;
}

void StackBatches::fill(const BatchStep& step, FloatTensor input, FloatTensor target) {
  shuffle(step.epoch);
  pool_->parallel_for(share_.count, [&](std::ptrdiff_t image, int) {
    writer_.write(sample(step, static_cast<int>(image)), input, target);
  });
  // While the device computes, the disk may fetch what the next step of the epoch takes.
  const BatchStep next{step.epoch, step.step + 1};
  for (int image = 0; any_stored_ && next.step < steps_per_epoch() && image < share_.count; ++image)
    writer_.expect(sample(next, image));
}

}  // namespace n2s
