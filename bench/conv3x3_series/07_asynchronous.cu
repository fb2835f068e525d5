// Step 7, asynchronous copies: the next chunk of channels is on its way (cp.async, from Ampere on) while this one is
// multiplied, so that loads and products no longer wait for each other. It takes two chunks of shared memory. Older
// GPUs copy through registers, and gain nothing.
#include "bench/conv3x3_series/tensor_tile.cuh"
#include "kernels/device/async_copy.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::series {
namespace {

constexpr int kVector = 8;  // values of fp16 in 16 bytes

struct Shared {
  Chunk chunk[2];
  float results[kWarps][2][16][16];
};

/// Begins to copy; what lies outside the image becomes zero.
__device__ void begin(const Problem& p, const Tile& at, int channel, Chunk& chunk) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < (kHigh + 2) * (kWide + 2) * kDepth / kVector; i += kTensorThreads) {
    const int pixel = i / (kDepth / kVector);
    const int c = i % (kDepth / kVector) * kVector;
    const __half* from = source_of(p, at, pixel / (kWide + 2), pixel % (kWide + 2), channel + c);
    device::copy_async(&chunk.tile[0][0][0] + i * kVector, from, from != nullptr);
  }
  for (int i = thread; i < 9 * kDepth * kColumns / kVector; i += kTensorThreads) {
    const int o = at.o + i % (kColumns / kVector) * kVector;
    const int rest = i / (kColumns / kVector);
    const int row = rest / kDepth * p.inputs + channel + rest % kDepth;
    device::copy_async(&chunk.weight[0][0][0] + i * kVector, p.weight16 + row * p.outputs + o, o < p.outputs);
  }
  device::commit_copies();
}

__global__ void convolve(const Problem p) {
  Shared& shared = *device::shared_memory<Shared>();
  const Tile at(p);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int chunks = p.inputs / kDepth;
  Sums sums;
  begin(p, at, 0, shared.chunk[0]);
  for (int i = 0; i < chunks; ++i) {
    if (i + 1 < chunks) {
      begin(p, at, (i + 1) * kDepth, shared.chunk[(i + 1) % 2]);
      device::wait_copies<1>();  // for this chunk, not for the next
    } else {
      device::wait_copies<0>();
    }
    __syncthreads();
    sums.multiply(shared.chunk[i % 2], warp);
    __syncthreads();  // before its memory takes the chunk after the next
  }
  finish(p, at, sums, warp, shared.results[warp]);
}

}  // namespace

void asynchronous(const Problem& p, cudaStream_t stream) {
  device::launch("asynchronous copies", convolve, {tensor_grid(p), dim3(kTensorThreads), sizeof(Shared), stream}, p);
}

}  // namespace n2s::series
