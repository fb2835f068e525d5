// Step 2, coalesced: neighbouring threads have neighbouring output channels. A warp reads 32 weights that lie side by
// side, writes 32 results that do, and all its threads read the same value of the image, which is one load. Nothing
// else is changed; what is left is that each value is loaded again for each of its nine taps and by every block.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/launch.h"

namespace n2s::series {
namespace {

__global__ void convolve(const Problem p) {
  const int o = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int x = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  const int y = static_cast<int>(blockIdx.z) % p.height;
  const int n = static_cast<int>(blockIdx.z) / p.height;
  if (o >= p.outputs || x >= p.width) return;
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

void coalesced(const Problem& p, cudaStream_t stream) {
  const dim3 block(32, 4);
  const dim3 grid(device::blocks_for(static_cast<std::size_t>(p.outputs), block.x),
                  device::blocks_for(static_cast<std::size_t>(p.width), block.y),
                  static_cast<unsigned>(p.images * p.height));
  device::launch("coalesced", convolve, {grid, block, 0, stream}, p);
  activate_and_pool(p, stream);
}

}  // namespace n2s::series
