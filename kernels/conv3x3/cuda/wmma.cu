// The wmma variant: tensor cores through CUDA's warp matrices, fp16, from Volta (sm_70) on. Nothing here needs a newer
// GPU.
#include "kernels/conv3x3/cuda/data_gradient.cuh"
#include "kernels/conv3x3/cuda/forward.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cuda/weight_gradient.cuh"
#include "kernels/device/matrix_tile_wmma.h"

namespace n2s::device {

ConvKernels wmma_kernels() {
  return {run_forward<WmmaTile>, run_data_gradient<WmmaTile>, run_weight_gradient<WmmaTile>};
}

}  // namespace n2s::device
