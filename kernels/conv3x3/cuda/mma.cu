// The mma variant: tensor cores through mma.sync, ldmatrix and cp.async; tf32, fp16 and bf16, from sm_80 on. For older
// GPUs kernels are compiled that are never started.
#include "kernels/conv3x3/cuda/data_gradient.cuh"
#include "kernels/conv3x3/cuda/forward.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cuda/weight_gradient.cuh"
#include "kernels/device/matrix_tile_mma.h"

namespace n2s::device {
namespace {

template <typename Tile>
ConvKernels kernels_of() {
  return {run_forward<Tile>, run_data_gradient<Tile>, run_weight_gradient<Tile>};
}

}  // namespace

ConvKernels mma_kernels(Precision precision) {
  if (precision == Precision::tf32) return kernels_of<Tf32Tile>();
  if (precision == Precision::bf16) return kernels_of<MmaTile<__nv_bfloat16>>();
  return kernels_of<MmaTile<__half>>();
}

}  // namespace n2s::device
