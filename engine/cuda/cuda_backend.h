// The backend for NVIDIA GPUs: hand-written kernels, one stream, whole steps captured as CUDA graphs. This header needs
// no CUDA; in a program that was built without it these functions throw (no_cuda.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/backend.h"

namespace n2s {

struct CudaOptions {
  int device = 0;                  // as the driver counts them
  std::string precision = "fp32";  // fp32, tf32, fp16, bf16
  std::string variant = "auto";    // of the convolution: auto, or one of cuda_conv_variants()
};

/// Names of the convolution's variants; none in a program without CUDA.
std::vector<std::string> cuda_conv_variants();

/// Throws Error where there is no such device, or it cannot compute in this precision: with what to do.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

/// What the GPU reaches at most in this precision; measured, which takes about a second. Throws Error.
struct CudaCeilings {
  double gflops = 0;             // multiply-adds in registers, two operations each
  double gbytes_per_second = 0;  // a copy larger than the caches, bytes read plus bytes written
};
CudaCeilings cuda_ceilings(const CudaOptions& options);

}  // namespace n2s
