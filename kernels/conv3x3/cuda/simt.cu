// The simt variant: fp32 multiply-adds, for any GPU, and the baseline of the others.
#include "kernels/conv3x3/cuda/tile_kernels.cuh"
#include "kernels/device/matrix_tile_simt.h"

namespace n2s::device {

ConvKernels simt_kernels(Precision) {
  return tile_kernels<SimtTile>();
}

}  // namespace n2s::device
