// fp32 multiply-adds, for any GPU and as the measure of the others.
#include "kernels/conv3x3/forward_kernel.h"
#include "kernels/conv3x3/variants.h"
#include "kernels/conv3x3/weight_gradient_kernel.h"
#include "kernels/device/matrix_tile_simt.h"

namespace n2s::device {

ConvKernels simt_kernels() {
  return {run_forward<SimtTile>, run_data_gradient<SimtTile>, run_weight_gradient<SimtTile>};
}

}  // namespace n2s::device
