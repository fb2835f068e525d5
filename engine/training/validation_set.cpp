// Writes each held-out plane as one sample, with fixed noise and without augmentation.
#include "engine/training/validation_set.h"

#include <algorithm>

#include "engine/training/sample_writer.h"

namespace n2s {
namespace {

/// The window in the middle of a plane, without any augmentation.
Sample middle_of(const Stack& source, const PlaneOfStack& target, const Extents& extents) {
  Sample sample;
  sample.target = target;
  sample.augmentation.crop_height = extents.height;
  sample.augmentation.crop_width = extents.width;
  sample.draw.top = std::max(0, (source.height - extents.height) / 2);
  sample.draw.left = std::max(0, (source.width - extents.width) / 2);
  return sample;
}

}  // namespace

ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  int side) {
  ValidationSet set;
  set.extents = {1, side, side};
  for (const TrainingStack& stack : stacks) {
    set.extents.height = std::min(set.extents.height, (stack.source.height + divisor - 1) / divisor * divisor);
    set.extents.width = std::min(set.extents.width, (stack.source.width + divisor - 1) / divisor * divisor);
    set.batches += static_cast<int>(stack.held_out.size());
  }
  if (set.batches == 0) return {};
  const Shape input{set.batches, set.extents.height, set.extents.width, settings.planes};
  const Shape target{set.batches, set.extents.height, set.extents.width, 1};
  set.inputs.resize(static_cast<std::size_t>(input.elements()));
  set.targets.resize(static_cast<std::size_t>(target.elements()));

  const SampleWriter writer(stacks, settings);
  int position = 0;
  for (int s = 0; s < static_cast<int>(stacks.size()); ++s) {
    const TrainingStack& stack = stacks[static_cast<std::size_t>(s)];
    for (const int plane : stack.held_out) {
      Sample sample = middle_of(stack.source, {s, plane}, set.extents);
      sample.position = position++;
      sample.noise_key = [&](Purpose copy, int of) { return plane_key(settings.seed, copy, s, of); };
      writer.write(sample, {set.inputs.data(), input}, {set.targets.data(), target});
    }
  }
  return set;
}

}  // namespace n2s
