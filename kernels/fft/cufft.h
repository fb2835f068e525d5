// The functions of cuFFT that are used, with the signatures of the library. It is loaded at the first use, so the
// program starts and everything else runs where it is not installed.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace n2s::device {

struct CufftFunctions {
  using Plan = int;
  enum Type : int { real_to_complex = 0x2a, complex_to_real = 0x2c };

  // All return 0 when they succeed.
  int (*create)(Plan* plan) = nullptr;
  int (*destroy)(Plan plan) = nullptr;
  int (*set_auto_allocation)(Plan plan, int automatic) = nullptr;
  int (*make_plan_many)(Plan plan, int rank, int* size, int* in_embed, int in_stride, int in_distance, int* out_embed,
                        int out_stride, int out_distance, Type type, int batch, std::size_t* work_bytes) = nullptr;
  int (*set_work_area)(Plan plan, void* work) = nullptr;
  int (*set_stream)(Plan plan, cudaStream_t stream) = nullptr;
  int (*forward)(Plan plan, float* images, float2* spectra) = nullptr;  // real to complex
  int (*inverse)(Plan plan, float2* spectra, float* images) = nullptr;  // complex to real
};

/// Throws Error with what to install where the library is not found.
const CufftFunctions& cufft();

/// Whether it is found.
bool has_cufft();

#ifdef N2S_EMULATION
/// Stands for the library where kernels are emulated.
CufftFunctions emulated_cufft();
#endif

}  // namespace n2s::device
