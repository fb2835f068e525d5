// Corrupts in the units of the file, as the noise is given in them.
#include "engine/training/fixed_noise.h"

#include <memory>
#include <utility>

namespace n2s {
namespace {

/// A copy of the planes with fixed noise: in memory where they are, else stored as they are, as floats.
class NoisyCopy {
 public:
  NoisyCopy(const StackPlanes& clean, const BatchSettings& settings, Purpose copy, int stack)
      : clean_(&clean),
        settings_(&settings),
        copy_(copy),
        stack_(stack),
        noise_(*settings.noise, clean.height, clean.width) {}

  StackPlanes make(ThreadPool& pool, VoxelMemory& memory) const {
    if (clean_->in_memory() != nullptr) {
      Stack noisy = *clean_->in_memory();
      pool.parallel_for(noisy.planes, [&](std::ptrdiff_t plane, int) {
        corrupt(plane_of(*clean_->in_memory(), plane), static_cast<int>(plane), plane_of(noisy, plane));
      });
      return noisy;
    }
    const auto stored = std::make_shared<StoredPlanes>(
        StoredPlanes::Shape{clean_->planes, clean_->height, clean_->width}, Image{}, memory);
    pool.parallel_for(clean_->planes, [&](std::ptrdiff_t plane, int) {
      std::vector<float> storage;
      const std::span<const float> pixels = clean_->plane(static_cast<int>(plane), storage);
      std::vector<float> noisy(pixels.size());
      corrupt(pixels, static_cast<int>(plane), noisy);
      stored->write(static_cast<int>(plane), noisy);
    });
    stored->complete();
    return StackPlanes(stored);
  }

 private:
  void corrupt(std::span<const float> clean, int plane, std::span<float> noisy) const {
    std::vector<float> raw(clean.begin(), clean.end());
    undo_normalisation(settings_->normalisation, raw);
    noise_.corrupt(raw, plane_key(settings_->seed, copy_, stack_, plane), noisy);
    apply_normalisation(settings_->normalisation, noisy, false);
  }

  const StackPlanes* clean_;
  const BatchSettings* settings_;
  Purpose copy_;
  int stack_;
  PlaneNoise noise_;
};

}  // namespace

void fix_noise(std::vector<TrainingStack>& stacks, BatchSettings& settings, ThreadPool& pool, VoxelMemory& memory) {
  if (!settings.noise) return;
  const TargetOf target = method_of(settings).target;
  for (std::size_t s = 0; s < stacks.size(); ++s) {
    const auto noisy_copy = [&](Purpose copy) {
      return NoisyCopy(stacks[s].source, settings, copy, static_cast<int>(s)).make(pool, memory);
    };
    StackPlanes noisy = noisy_copy(Purpose::noise_input);
    std::optional<StackPlanes> second;
    if (target == TargetOf::clean_source) second = stacks[s].source;
    if (target == TargetOf::second_copy) second = noisy_copy(Purpose::noise_target);
    stacks[s].source = std::move(noisy);
    stacks[s].target = std::move(second);
  }
  settings.noise.reset();  // it is in the stacks now
}

}  // namespace n2s
