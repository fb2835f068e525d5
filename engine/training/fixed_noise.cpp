// Corrupts in the units of the file, as the noise is given in them.
#include "engine/training/fixed_noise.h"

#include <utility>

namespace n2s {

void fix_noise(std::vector<TrainingStack>& stacks, BatchSettings& settings, ThreadPool& pool) {
  if (!settings.noise) return;
  const TargetOf target = method_of(settings).target;
  for (std::size_t s = 0; s < stacks.size(); ++s) {
    Stack raw = stacks[s].source;
    undo_normalisation(settings.normalisation, raw.voxels);
    const auto noisy_copy = [&](Purpose copy) {
      Stack noisy = corrupt_stack(*settings.noise, raw, settings.seed, copy, static_cast<int>(s), pool);
      apply_normalisation(settings.normalisation, noisy.voxels, false);
      return noisy;
    };
    Stack clean = std::exchange(stacks[s].source, noisy_copy(Purpose::noise_input));
    stacks[s].target.reset();
    if (target == TargetOf::clean_source) stacks[s].target = std::move(clean);
    if (target == TargetOf::second_copy) stacks[s].target = noisy_copy(Purpose::noise_target);
  }
  settings.noise.reset();  // it is in the stacks now
}

}  // namespace n2s
