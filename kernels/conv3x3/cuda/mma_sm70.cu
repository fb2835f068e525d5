// The mma_sm70 variant: Volta's tensor cores through mma.sync.m8n8k4, fp16. In code for newer GPUs the kernels are
// there, but never started.
#include "kernels/conv3x3/cuda/tile_kernels.cuh"
#include "kernels/device/matrix_tile_sm70.h"

namespace n2s::device {

ConvKernels mma_sm70_kernels(Precision) {
  return tile_kernels<Sm70Tile>();
}

}  // namespace n2s::device
