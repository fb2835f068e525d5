// Brings training batches into the graph's input and target, wherever these lie.
#pragma once

#include <string>
#include <vector>

#include "engine/runtime/executor.h"
#include "engine/training/batch_source.h"

namespace n2s {

class BatchLoader {
 public:
  virtual ~BatchLoader() = default;

  /// Where the batches are made, for the user: "the dataset stays on the GPU (1.20 GiB), which makes the batches".
  /// Empty where there is nothing to say.
  virtual std::string description() const { return {}; }

  /// Selects the batch that the next load() brings. Before every step; never captured.
  virtual void select(const BatchStep& step, Executor& executor) = 0;

  /// Writes the selected batch into the executor's input and target. Part of the step: may be captured.
  virtual void load(Executor& executor) = 0;

  /// Prepares the next step's batch on the host while the device computes.
  virtual void look_ahead(const BatchStep& next) = 0;
};

/// Batches that the host makes and copies between steps.
class HostBatchLoader final : public BatchLoader {
 public:
  /// The source must live as long as the loader.
  explicit HostBatchLoader(BatchSource& source) : source_(&source) {}

  void select(const BatchStep& step, Executor& executor) override;
  void load(Executor&) override {}
  void look_ahead(const BatchStep&) override {}

 private:
  BatchSource* source_;
  std::vector<float> input_, target_;
};

}  // namespace n2s
