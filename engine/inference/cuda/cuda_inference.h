// Inference and evaluation on the GPU that the network runs on: stacks stay there while they are restored, and metrics,
// percentiles and k-space data consistency are computed there.
#pragma once

#include "engine/cuda/cuda_context.h"
#include "engine/inference/inference_device.h"

namespace n2s {

class CudaInference final : public InferenceDevice {
 public:
  /// Of a backend that make_cuda_backend() has made.
  explicit CudaInference(Backend& backend) : InferenceDevice(backend), gpu_(cuda_context(backend)) {}

  int busy_pixels() const override { return 1 << 20; }  // some waves of blocks on the largest GPUs
  std::unique_ptr<StackTiles> stack_tiles(const TileRequest& request) override;
  bool restore_measured(const MeasuredPlanes& planes, std::string& why) override;
  bool measure(const Measurement& what, std::string& why) override;
  bool filter(const Bm3dProblem& problem, const PlaneFilterRequest& request) override;
  bool filter(const NlmProblem& problem, const PlaneFilterRequest& request) override;

 private:
  CudaContext gpu_;
};

}  // namespace n2s
