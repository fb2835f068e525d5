// The mma variant: tensor cores through mma.sync, ldmatrix and cp.async; tf32, fp16 and bf16, from sm_80 on. For older
// GPUs kernels are compiled that are never started.
#include "kernels/conv3x3/cuda/tile_kernels.cuh"
#include "kernels/device/matrix_tile_mma.h"

namespace n2s::device {

ConvKernels mma_kernels(Precision precision) {
  if (precision == Precision::tf32) return tile_kernels<Tf32Tile>();
  if (precision == Precision::bf16) return tile_kernels<MmaTile<__nv_bfloat16>>();
  return tile_kernels<MmaTile<__half>>();
}

}  // namespace n2s::device
