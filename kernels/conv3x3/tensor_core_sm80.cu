// Tensor cores through mma.sync, ldmatrix and cp.async: tf32, fp16 and bf16, from sm_80 on. Older chips get kernels
// that are never started.
#include "kernels/conv3x3/forward_kernel.h"
#include "kernels/conv3x3/variants.h"
#include "kernels/conv3x3/weight_gradient_kernel.h"
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
