// Opens a device: its backend, and its code for inference and for building batches. The top floor of the engine, the
// only one that knows all devices.
#pragma once

#include <functional>
#include <memory>

#include "engine/cpu/cpu_backend.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/inference/inference_device.h"
#include "engine/training/batch_loader.h"
#include "engine/training/batches.h"

namespace n2s {

struct Device {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<InferenceDevice> inference;
  /// Makes the loader of a training's batches. Everything that the request refers to must live as long as the loader.
  std::function<std::unique_ptr<BatchLoader>(const BatchRequest&)> batch_loader;
};

Device open_cpu(const CpuBackendOptions& options = {});

/// Throws Error as make_cuda_backend does.
Device open_cuda(const CudaOptions& options = {});

}  // namespace n2s
