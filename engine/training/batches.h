// Training batches from stacks in host memory: shuffled targets, random crops, simulated noise.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/runtime/ranks.h"
#include "engine/training/batch_source.h"
#include "engine/training/sample_writer.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

class StackBatches final : public BatchSource {
 public:
  /// The stacks must live as long as the object. Throws Error as training_targets does.
  /// With a share, of each batch only those images: the ones that the whole batch has at these positions.
  StackBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, ThreadPool& pool,
               std::optional<BatchShare> share = {});

  long steps_per_epoch() const override;
  Extents extents() const override;
  void fill(const BatchStep& step, FloatTensor input, FloatTensor target) override;
  std::vector<RandomKey> noise_keys(const BatchStep& step) override;

 private:
  void shuffle(std::uint32_t epoch);
  Sample sample(const BatchStep& step, int image) const;

  const std::vector<TrainingStack>* stacks_;
  BatchSettings settings_;
  BatchShare share_;
  ThreadPool* pool_;
  std::vector<PlaneOfStack> targets_;
  SampleWriter writer_;
  bool any_stored_;
  std::optional<std::uint32_t> shuffled_epoch_;
  std::vector<std::uint32_t> order_;
};

/// What batches for a device are made from.
struct BatchRequest {
  const std::vector<TrainingStack>& stacks;
  const BatchSettings& settings;
  BatchSource& host;      // makes the same batches on the host
  std::size_t limit = 0;  // bytes of device memory that may be taken
};

}  // namespace n2s
