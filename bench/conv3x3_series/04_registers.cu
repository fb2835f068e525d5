// Step 4, register blocking: a thread computes 4 pixels of 4 output channels. For each tap and channel it loads 4
// values and 4 weights from shared memory and makes 16 multiplications of them, where it made one of two loads before.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::series {
namespace {

constexpr int kSide = 8;      // pixels of a tile, each way
constexpr int kOutputs = 32;  // of a block
constexpr int kEach = 4;      // pixels and outputs of a thread
constexpr int kChunk = 8;     // channels
constexpr int kThreads = kSide * kSide / kEach * (kOutputs / kEach);

struct Shared {
  float tile[kSide + 2][kSide + 2][kChunk];
  float weight[9][kChunk][kOutputs];
};

struct Place {
  int n, y0, x0, o0;
};

__device__ void load(const Problem& p, const Place& at, int channel, Shared& shared) {
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < (kSide + 2) * (kSide + 2) * kChunk; i += kThreads) {
    const int xx = at.x0 + i / kChunk % (kSide + 2) - 1;
    const int yy = at.y0 + i / kChunk / (kSide + 2) - 1;
    const bool inside = yy >= 0 && yy < p.height && xx >= 0 && xx < p.width;
    const int pixel = (at.n * (p.height / p.doubling) + yy / p.doubling) * (p.width / p.doubling) + xx / p.doubling;
    (&shared.tile[0][0][0])[i] = inside ? p.image[pixel * p.inputs + channel + i % kChunk] : 0.0F;
  }
  for (int i = thread; i < 9 * kChunk * kOutputs; i += kThreads) {
    const int o = at.o0 + i % kOutputs;
    const int row = i / kOutputs / kChunk * p.inputs + channel + i / kOutputs % kChunk;
    (&shared.weight[0][0][0])[i] = o < p.outputs ? p.weight[row * p.outputs + o] : 0.0F;
  }
}

__global__ void convolve(const Problem p) {
  Shared& shared = *device::shared_memory<Shared>();
  const int tiles = (p.width + kSide - 1) / kSide;
  const Place at{static_cast<int>(blockIdx.z), static_cast<int>(blockIdx.y) / tiles * kSide,
                 static_cast<int>(blockIdx.y) % tiles * kSide, static_cast<int>(blockIdx.x) * kOutputs};
  const int o = static_cast<int>(threadIdx.x) % (kOutputs / kEach) * kEach;  // of the block's
  const int group = static_cast<int>(threadIdx.x) / (kOutputs / kEach);      // of pixels in a row
  const int y = group / (kSide / kEach);
  const int x = group % (kSide / kEach) * kEach;
  float sum[kEach][kEach] = {};
  for (int channel = 0; channel < p.inputs; channel += kChunk) {
    __syncthreads();
    load(p, at, channel, shared);
    __syncthreads();
    for (int tap = 0; tap < 9; ++tap)
      for (int c = 0; c < kChunk; ++c) {
        float pixel[kEach], weight[kEach];
        for (int i = 0; i < kEach; ++i) pixel[i] = shared.tile[y + tap / 3][x + tap % 3 + i][c];
        for (int i = 0; i < kEach; ++i) weight[i] = shared.weight[tap][c][o + i];
        for (int i = 0; i < kEach; ++i)
          for (int j = 0; j < kEach; ++j) sum[i][j] += pixel[i] * weight[j];
      }
  }
  for (int i = 0; i < kEach; ++i)
    for (int j = 0; j < kEach; ++j) {
      const int xx = at.x0 + x + i;
      const int yy = at.y0 + y;
      const int oo = at.o0 + o + j;
      if (xx < p.width && yy < p.height && oo < p.outputs)
        p.out[((at.n * p.height + yy) * p.width + xx) * p.outputs + oo] = sum[i][j] + p.bias[oo];
    }
}

}  // namespace

void registers(const Problem& p, cudaStream_t stream) {
  const unsigned rows = device::blocks_for(static_cast<std::size_t>(p.height), kSide);
  const unsigned columns = device::blocks_for(static_cast<std::size_t>(p.width), kSide);
  const dim3 grid(device::blocks_for(static_cast<std::size_t>(p.outputs), kOutputs), rows * columns,
                  static_cast<unsigned>(p.images));
  device::launch("registers", convolve, {grid, dim3(kThreads), sizeof(Shared), stream}, p);
  activate_and_pool(p, stream);
}

}  // namespace n2s::series
