// What the variants of NVIDIA's libraries need beside memory. The libraries are loaded when one of these is made.
#pragma once

#include <cuda_runtime.h>

#include <memory>

#include "kernels/conv3x3/cublas/products.h"
#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/conv3x3/cudnn/plans.h"

namespace n2s::device {

/// Whether the library is found that the variant needs, if it needs one.
bool has_library_of(ConvVariant variant);

class ConvLibraries {
 public:
  /// Makes what the mode's variant needs on the current device, and tells the mode. Throws Error where the library is
  /// not found or does not start.
  explicit ConvLibraries(ConvMode& mode);

  /// To be called before work is captured.
  void warm_up(cudaStream_t stream);

 private:
  std::unique_ptr<CudnnPlans> cudnn_;
  std::unique_ptr<CublasProducts> cublas_;
};

}  // namespace n2s::device
