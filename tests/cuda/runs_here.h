// Which precisions and variants a test can try on the GPU that it finds.
#pragma once

#include "engine/cuda/cuda_backend.h"
#include "kernels/conv3x3/cublas/library.h"
#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/conv3x3/cudnn/library.h"
#include "kernels/device/device_info.h"

namespace n2s::test {

/// Whether the GPU, this program's code for it and the libraries there have what these options need.
inline bool runs_here(const CudaOptions& options) {
  if (options.variant == "cudnn" && !device::has_cudnn()) return false;
  if (options.variant == "cublas" && !device::has_cublas()) return false;
  const int capability = device::kernel_capability(0);
  if (options.variant == "auto")
    return capability >= 80 || (options.precision != "tf32" && options.precision != "bf16");
  for (const device::ConvVariantRow& row : device::conv_variants())
    for (const device::ConvPrecision& p : row.precisions)
      if (options.variant == row.name && options.precision == device::name_of(p.precision))
        return device::can_run(row.variant, p.precision, capability);
  return false;
}

}  // namespace n2s::test
