// Step 3, a tile in shared memory: the pixels of a tile and the ring around it (the halo) are loaded once by the block,
// a few channels at a time, and read nine times from there. Device memory is left alone; now every multiplication waits
// for two loads, one from shared memory and one of a weight.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::series {
namespace {

constexpr int kOutputs = 32, kPixels = 8;  // of a block: one row of pixels
constexpr int kChunk = 16;                 // channels

struct Shared {
  float tile[3][kPixels + 2][kChunk];
};

/// Copies the tile with its halo; beyond the image's edge is zero.
__device__ void load_tile(const Problem& p, int n, int y, int x0, int channel, Shared& shared) {
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  for (int i = thread; i < 3 * (kPixels + 2) * kChunk; i += kOutputs * kPixels) {
    const int c = i % kChunk;
    const int xx = x0 + i / kChunk % (kPixels + 2) - 1;
    const int yy = y + i / kChunk / (kPixels + 2) - 1;
    const bool inside = yy >= 0 && yy < p.height && xx >= 0 && xx < p.width;
    const int pixel = (n * (p.height / p.doubling) + yy / p.doubling) * (p.width / p.doubling) + xx / p.doubling;
    (&shared.tile[0][0][0])[i] = inside ? p.image[pixel * p.inputs + channel + c] : 0.0F;
  }
}

__global__ void convolve(const Problem p) {
  Shared& shared = *device::shared_memory<Shared>();
  const int o = static_cast<int>(blockIdx.x) * kOutputs + static_cast<int>(threadIdx.x);
  const int x0 = static_cast<int>(blockIdx.y) * kPixels;
  const int x = x0 + static_cast<int>(threadIdx.y);
  const int y = static_cast<int>(blockIdx.z) % p.height;
  const int n = static_cast<int>(blockIdx.z) / p.height;
  const bool writes = o < p.outputs && x < p.width;
  float sum = writes ? p.bias[o] : 0.0F;
  for (int channel = 0; channel < p.inputs; channel += kChunk) {
    __syncthreads();  // the tile before has been read
    load_tile(p, n, y, x0, channel, shared);
    __syncthreads();
    for (int tap = 0; writes && tap < 9; ++tap) {
      const float* pixel = shared.tile[tap / 3][static_cast<int>(threadIdx.y) + tap % 3];
      const float* weight = p.weight + (tap * p.inputs + channel) * p.outputs + o;
      for (int c = 0; c < kChunk; ++c) sum += pixel[c] * weight[c * p.outputs];
    }
  }
  if (writes) p.out[((n * p.height + y) * p.width + x) * p.outputs + o] = sum;
}

}  // namespace

void shared_tile(const Problem& p, cudaStream_t stream) {
  const dim3 grid(device::blocks_for(static_cast<std::size_t>(p.outputs), kOutputs),
                  device::blocks_for(static_cast<std::size_t>(p.width), kPixels),
                  static_cast<unsigned>(p.images * p.height));
  device::launch("shared tile", convolve, {grid, dim3(kOutputs, kPixels), sizeof(Shared), stream}, p);
  activate_and_pool(p, stream);
}

}  // namespace n2s::series
