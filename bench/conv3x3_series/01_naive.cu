// Step 1, the definition: one thread for each output value. Neighbouring threads have neighbouring pixels, whose values
// of one channel lie far apart, so each load and store of a warp takes 32 sectors of memory for 32 values.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/launch.h"

namespace n2s::series {
namespace {

__global__ void convolve(const Problem p) {
  const int x = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int y = static_cast<int>(blockIdx.y);
  const int n = static_cast<int>(blockIdx.z) / p.outputs;
  const int o = static_cast<int>(blockIdx.z) % p.outputs;
  if (x >= p.width) return;
  const int rows = p.height / p.doubling;
  const int columns = p.width / p.doubling;
  float sum = p.bias[o];
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx) {
      const int yy = y + ky - 1;
      const int xx = x + kx - 1;
      if (yy < 0 || yy >= p.height || xx < 0 || xx >= p.width) continue;
      const float* pixel = p.image + ((n * rows + yy / p.doubling) * columns + xx / p.doubling) * p.inputs;
      const float* weight = p.weight + (3 * ky + kx) * p.inputs * p.outputs + o;
      for (int c = 0; c < p.inputs; ++c) sum += pixel[c] * weight[c * p.outputs];
    }
  p.out[((n * p.height + y) * p.width + x) * p.outputs + o] = sum;
}

}  // namespace

void naive(const Problem& p, cudaStream_t stream) {
  const unsigned threads = 32;
  const dim3 grid(device::blocks_for(static_cast<std::size_t>(p.width), threads), static_cast<unsigned>(p.height),
                  static_cast<unsigned>(p.images * p.outputs));
  device::launch("naive", convolve, {grid, dim3(threads), 0, stream}, p);
  activate_and_pool(p, stream);
}

}  // namespace n2s::series
