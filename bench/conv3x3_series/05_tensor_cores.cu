// Step 5, tensor cores: fp16 matrices of 16x16x16 with fp32 sums (wmma, from Volta on). The tile is read as it lies, no
// matrix is built from it (im2col). Results go to device memory through a corner of shared memory, since who holds
// which element of a fragment is the compiler's secret.
#include "bench/conv3x3_series/tensor_tile.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::series {
namespace {

struct Shared {
  Chunk chunk;
  float results[kWarps][16][16];
};

__device__ void load(const Problem& p, const Tile& at, int channel, Chunk& chunk) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < (kHigh + 2) * (kWide + 2) * kDepth; i += kTensorThreads) {
    const int pixel = i / kDepth;
    const __half* from = source_of(p, at, pixel / (kWide + 2), pixel % (kWide + 2), channel + i % kDepth);
    (&chunk.tile[0][0][0])[i] = from != nullptr ? *from : __float2half(0.0F);
  }
  for (int i = thread; i < 9 * kDepth * kColumns; i += kTensorThreads) {
    const int o = at.o + i % kColumns;
    const int row = i / kColumns / kDepth * p.inputs + channel + i / kColumns % kDepth;
    (&chunk.weight[0][0][0])[i] = o < p.outputs ? p.weight16[row * p.outputs + o] : __float2half(0.0F);
  }
}

__global__ void convolve(const Problem p) {
  Shared& shared = *device::shared_memory<Shared>();
  const Tile at(p);
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  Sums sums;
  for (int channel = 0; channel < p.inputs; channel += kDepth) {
    __syncthreads();
    load(p, at, channel, shared.chunk);
    __syncthreads();
    sums.multiply(shared.chunk, warp);
  }
  for (int part = 0; part < 4; ++part) {
    const int row = part / 2;
    const int column = part % 2;
    __syncwarp();
    nvcuda::wmma::store_matrix_sync(&shared.results[warp][0][0], sums.sum[row][column], 16,
                                    nvcuda::wmma::mem_row_major);
    __syncwarp();
    const int o = at.o + 16 * column + lane % 16;
    const int y = at.y + 2 * warp + row;
    for (int i = lane / 16; i < 16; i += 2)
      if (o < p.outputs && y < p.height && at.x + i < p.width)
        p.out[((at.n * p.height + y) * p.width + at.x + i) * p.outputs + o] =
            shared.results[warp][i][lane % 16] + p.bias[o];
  }
}

}  // namespace

void tensor_cores(const Problem& p, cudaStream_t stream) {
  device::launch("tensor cores", convolve, {tensor_grid(p), dim3(kTensorThreads), sizeof(Shared), stream}, p);
  activate_and_pool(p, stream);
}

}  // namespace n2s::series
