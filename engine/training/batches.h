// Training batches from stacks in memory, by the paper's methods: which planes the network sees, which one it is to
// predict, and which noisy copy each comes from (Papkov et al. 2020, section 2.1).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/training/plane_noise.h"
#include "engine/training/trainer.h"
#include "kernels/gather_planes/batch_plan.h"
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {

enum class Method { noise2stack, noise2noise, noise2clean };

/// "noise2stack", … Throws Error with the known names.
Method parse_method(const std::string& name);
std::string method_name(Method method);

/// One stack to learn from, normalised. What `source` and `target` are depends on what is at hand:
/// one noisy stack (self-supervised): source; two noisy copies: source and target; noisy and clean: source and target;
/// a clean stack and simulated noise: source alone.
struct TrainingStack {
  Stack source;
  std::optional<Stack> target;
  std::set<int> held_out;  // planes that are no training targets: they validate
};

struct BatchSettings {
  Method method = Method::noise2stack;
  int planes = 4;  // input planes; noise2stack is self-supervised when even, and needs a second copy when odd
  int gap = 0;
  int batch = 16;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  /// Noise to simulate on clean sources, drawn afresh at every visit of a plane. For noise that is fixed, corrupt the
  /// stacks once (corrupt_stack) and leave this empty.
  std::optional<NoiseSpec> noise;
  Normalisation normalisation;  // of the sources: noise is in the file's units
};

/// Where the target of a stack without a second one comes from.
TargetOf simulated_target(const BatchSettings& settings);

/// Throws Error when method, number of planes and what is at hand do not go together.
void check_method(const BatchSettings& settings, const std::vector<TrainingStack>& stacks);

struct PlaneOfStack {
  int stack = 0, plane = 0;
};

/// The planes to predict. Throws Error as check_method does, and when none is left.
std::vector<PlaneOfStack> training_targets(const std::vector<TrainingStack>& stacks, const BatchSettings& settings);

class StackBatches final : public BatchSource {
 public:
  /// The stacks must live as long as the object. Throws Error as training_targets does.
  StackBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, ThreadPool& pool);

  long steps_per_epoch() const override;
  Extents extents() const override;
  void fill(long epoch, long step_in_epoch, FloatTensor input, FloatTensor target) override;
  DeviceBatchSource* on_device() override { return on_device_.get(); }

  /// Has the backend make the batches, where it can: see Backend::device_batches.
  void move_to_device(Backend& backend, std::size_t limit);

 private:
  struct Sample {
    int stack = 0, plane = 0;
    BatchStep step;
    int position = 0;  // in the batch
  };
  const TrainingStack& stack(int index) const { return (*stacks_)[static_cast<std::size_t>(index)]; }
  void fill_sample(const Sample& sample, FloatTensor input, FloatTensor target);
  std::span<const float> plane(const Sample& sample, int plane, bool as_target, std::vector<float>& storage) const;

  const std::vector<TrainingStack>* stacks_;
  BatchSettings settings_;
  ThreadPool* pool_;
  std::vector<PlaneOfStack> targets_;
  std::map<std::pair<int, int>, PlaneNoise> noise_;  // by height and width
  long shuffled_epoch_ = -1;
  std::vector<std::uint32_t> order_;
  std::unique_ptr<DeviceBatchSource> on_device_;
};

/// The held-out planes' windows from the middle of each plane, `side` pixels at most, with fixed noise.
ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  int side);

}  // namespace n2s
