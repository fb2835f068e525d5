// k-space data consistency on a GPU, some planes at a time.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "engine/cuda/cuda_memory.h"
#include "engine/inference/inference_device.h"
#include "kernels/kspace/cuda.h"

namespace n2s::device {

class PostProcessing {
 public:
  /// Allocates for `planes` planes, in `limit` bytes of device memory or for one plane at a time. Throws
  /// Error where cuFFT is not installed, cannot do this size, or there is not enough memory.
  PostProcessing(const KspaceSampling& sampling, std::size_t planes, std::size_t limit, cudaStream_t stream);

  /// Of the same sampling and number of planes. Throws Error.
  void run(const MeasuredPlanes& planes);

 private:
  std::size_t pixels_;   // of a plane
  std::size_t at_once_;  // planes
  cudaStream_t stream_;
  DeviceFft2d fft_;
  CudaArray<float> keep_probability_;
  CudaArray<RandomKey> keys_;
  CudaArray<float> noisy_, restored_;
  CudaArray<float2> measured_, spectra_;
};

}  // namespace n2s::device
