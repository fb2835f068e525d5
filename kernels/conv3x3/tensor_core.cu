// Tensor cores through wmma, fp16: from Volta (sm_70) on; nothing in here needs a newer chip.
#include "kernels/conv3x3/forward_kernel.h"
#include "kernels/conv3x3/variants.h"
#include "kernels/conv3x3/weight_gradient_kernel.h"
#include "kernels/device/matrix_tile_wmma.h"

namespace n2s::device {

ConvKernels wmma_kernels() {
  return {run_forward<WmmaTile>, run_data_gradient<WmmaTile>, run_weight_gradient<WmmaTile>};
}

}  // namespace n2s::device
