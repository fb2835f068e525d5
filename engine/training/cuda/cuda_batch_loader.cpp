// Tries to keep the dataset on the GPU, and streams batches where it cannot stay.
#include "engine/training/cuda/cuda_batch_loader.h"

#include <fmt/format.h>

#include "engine/training/cuda/device_batches.h"
#include "engine/training/cuda/streamed_batches.h"

namespace n2s {
namespace {

/// Batches from a dataset that stays on the GPU.
class ResidentBatches final : public BatchLoader {
 public:
  ResidentBatches(const BatchRequest& request, const CudaContext& gpu)
      : gpu_(gpu), batches_(request.stacks, request.settings, request.limit, gpu.stream) {}

  std::string description() const override {
    return fmt::format("the dataset stays on the GPU ({:.2f} GiB), which makes the batches",
                       static_cast<double>(batches_.bytes()) / (1 << 30));
  }
  void select(const BatchStep& step, Executor&) override { batches_.select(step, gpu_.stream); }
  void load(Executor& executor) override {
    const auto tensor = [&](ValueId id) {
      return device::device_tensor(executor.data(id), executor.shape(id), gpu_.precision);
    };
    batches_.load(tensor(executor.graph().input), tensor(executor.graph().target), gpu_.precision, gpu_.stream);
  }
  void look_ahead(const BatchStep&) override {}

 private:
  CudaContext gpu_;
  device::DeviceBatches batches_;
};

}  // namespace

std::unique_ptr<BatchLoader> make_cuda_batch_loader(const CudaContext& gpu, const BatchRequest& request) {
  try {
    return std::make_unique<ResidentBatches>(request, gpu);
  } catch (const device::NotResident& error) {
    return std::make_unique<device::StreamedBatches>(request.host, request.settings.planes, gpu.precision, error.what(),
                                                     gpu.stream);
  }
}

}  // namespace n2s
