// The weight gradient, step 1: every pixel is a thread, and adds its products to the weight gradient in device memory.
// Thousands of threads add to the same few addresses, one after the other; and as the order of additions is not fixed,
// two runs give different bits.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/grid.h"
#include "kernels/device/launch.h"

namespace n2s::series {
namespace {

__global__ void clear(float* values, std::size_t count) {
  if (device::grid_index() < count) values[device::grid_index()] = 0;
}

/// The emulation refuses atomic additions of floats, which the engine must not have; its threads run one at a time.
__device__ void add(float* to, float value) {
#ifdef N2S_EMULATION
  *to += value;
#else
  atomicAdd(to, value);
#endif
}

__global__ void accumulate(const WeightGradientProblem p) {
  const int pixel = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y);  // of the weight gradient: tap and input channel
  const int tap = row / p.inputs;
  if (pixel >= p.images * p.height * p.width) return;
  const int x = pixel % p.width + tap % 3 - 1;
  const int y = pixel / p.width % p.height + tap / 3 - 1;
  if (x < 0 || x >= p.width || y < 0 || y >= p.height) return;
  const int n = pixel / p.width / p.height;
  const float value = p.image[((n * p.height + y) * p.width + x) * p.inputs + row % p.inputs];
  for (int o = 0; o < p.outputs; ++o)
    add(&p.weight_gradient[row * p.outputs + o], value * p.output_gradient[pixel * p.outputs + o]);
}

}  // namespace

void atomics(const WeightGradientProblem& p, cudaStream_t stream) {
  const std::size_t weights = std::size_t{9} * p.inputs * p.outputs;
  device::launch("clear", clear, device::grid_for(weights, stream), p.weight_gradient, weights);
  const std::size_t pixels = static_cast<std::size_t>(p.images) * p.height * p.width;
  const dim3 grid(device::blocks_for(pixels, device::kGridThreads), static_cast<unsigned>(9 * p.inputs));
  device::launch("atomics", accumulate, {grid, dim3(device::kGridThreads), 0, stream}, p);
}

}  // namespace n2s::series
