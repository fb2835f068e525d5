// An NVIDIA GPU as a device: backend, inference and batch loader share one stream.
#include "engine/devices/device.h"
#include "engine/inference/cuda/cuda_inference.h"
#include "engine/training/cuda/cuda_batch_loader.h"

namespace n2s {

Device open_cuda(const CudaOptions& options) {
  Device device;
  device.backend = make_cuda_backend(options);
  device.inference = std::make_unique<CudaInference>(*device.backend);
  device.batch_loader = [gpu = cuda_context(*device.backend)](const BatchRequest& request) {
    return make_cuda_batch_loader(gpu, request);
  };
  return device;
}

}  // namespace n2s
