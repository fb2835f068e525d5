// Measured ceilings of a GPU, which the benchmark compares kernels with. Arithmetic is measured with the instructions
// that the kernels use; a data sheet may promise more with newer ones.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/tensor.h"

namespace n2s::device {

struct DeviceCeilings {
  double tflops = 0;             // multiply-adds in registers, two operations each
  double gbytes_per_second = 0;  // a copy larger than the caches, bytes read plus bytes written
};

/// The best of several runs, about a tenth of a second in all. `compute_capability`: 80 for 8.0. Allocates
/// 512 MiB of device memory meanwhile. Throws Error.
DeviceCeilings measure_ceilings(Precision precision, int compute_capability, cudaStream_t stream);

}  // namespace n2s::device
