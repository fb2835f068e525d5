// Scales an array on a GPU: the factor that cuFFT leaves out of inverse transforms.
#include "kernels/device/grid.h"
#include "kernels/fft/cuda.h"

namespace n2s::device {
namespace {

__global__ void scale_kernel(const float* from, float* to, std::size_t count, float factor) {
  const std::size_t i = grid_index();
  if (i < count) to[i] = factor * from[i];
}

}  // namespace

void scale(const float* from, float* to, std::size_t count, float factor, cudaStream_t stream) {
  if (count == 0) return;
  launch("scaling", scale_kernel, grid_for(count, stream), from, to, count, factor);
}

}  // namespace n2s::device
