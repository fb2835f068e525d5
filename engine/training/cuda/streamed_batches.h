// Training batches for a GPU from a dataset that does not fit into its memory: the host makes them while the GPU
// computes, and a second stream copies them from pinned memory.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <optional>
#include <string>

#include "engine/cuda/cuda_memory.h"
#include "engine/training/batch_loader.h"
#include "kernels/device/tensor.h"

namespace n2s::device {

class StreamedBatches final : public BatchLoader {
 public:
  /// `host` makes the batches and must live as long; `stream` is where steps run. `reason`: why the dataset does not
  /// stay on the GPU. Throws Error when there is not enough memory.
  StreamedBatches(BatchSource& host, int planes, Precision precision, const std::string& reason, cudaStream_t stream);
  ~StreamedBatches() override;
  StreamedBatches(const StreamedBatches&) = delete;
  StreamedBatches& operator=(const StreamedBatches&) = delete;

  std::string description() const override;
  void select(const BatchStep& step, Executor& executor) override;
  void load(Executor& executor) override;
  void look_ahead(const BatchStep& next) override;

 private:
  /// A batch being copied: input, then target, fp32 without padding.
  struct Slot {
    PinnedArray<float> host;
    CudaArray<float> device;
    CudaEvent copied, taken;
    std::optional<BatchStep> step;
  };

  void send(Slot& slot, const BatchStep& step);

  BatchSource* host_;
  Shape input_, target_;
  Precision precision_;
  std::string reason_;
  cudaStream_t compute_;
  CudaStream copies_;
  std::array<Slot, 2> slots_;  // one is computed on while the other is filled
  std::size_t next_ = 0;
  CudaArray<float> batch_;  // the current step's: captured work always reads the same memory
};

}  // namespace n2s::device
