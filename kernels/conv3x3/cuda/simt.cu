// The simt variant: fp32 multiply-adds, for any GPU, and the baseline of the others.
#include "kernels/conv3x3/cuda/data_gradient.cuh"
#include "kernels/conv3x3/cuda/forward.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cuda/weight_gradient.cuh"
#include "kernels/device/matrix_tile_simt.h"

namespace n2s::device {

ConvKernels simt_kernels() {
  return {run_forward<SimtTile>, run_data_gradient<SimtTile>, run_weight_gradient<SimtTile>};
}

}  // namespace n2s::device
