// The wmma variant: tensor cores through CUDA's warp matrices, fp16, from Volta (sm_70) on. Nothing here needs a newer
// GPU.
#include "kernels/conv3x3/cuda/tile_kernels.cuh"
#include "kernels/device/matrix_tile_wmma.h"

namespace n2s::device {

ConvKernels wmma_kernels(Precision) {
  return tile_kernels<WmmaTile>();
}

}  // namespace n2s::device
