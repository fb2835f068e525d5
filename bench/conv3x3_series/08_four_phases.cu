// Step 8, four phases: where the image is one that nearest-neighbour upsampling has doubled, three taps of a row see
// two of its pixels only. For each of the four positions in a window of 2x2 output pixels the nine taps become four,
// whose weights are sums of the nine: 4/9 of the products, exactly. The engine's kernels do this for all upsampled
// channels.
#include "bench/conv3x3_series/tensor_tile.cuh"
#include "kernels/device/grid.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::series {
namespace {

constexpr int kRows = kWarps;  // of a tile, in pixels of the image before it was doubled: one for each warp
constexpr int kPhases = 4, kTaps = 4;

struct Shared {
  __half tile[kRows + 2][kWide + 2][kDepth];
  __half weight[kPhases][kTaps][kDepth][kColumns];
  float results[kWarps][kPhases][16][16];
};

/// Which of the two pixels a tap sees, in the phase.
__device__ int seen(int phase, int tap) {
  return (phase + tap + 1) / 2 - phase;
}

/// (phase, tap, inputs, outputs) from (3, 3, inputs, outputs).
__global__ void sum_weights(const Problem p, __half* sums) {
  const std::size_t one = static_cast<std::size_t>(p.inputs) * p.outputs;
  const std::size_t i = device::grid_index();
  if (i >= kPhases * kTaps * one) return;
  const int phase = static_cast<int>(i / one) / kTaps;
  const int tap = static_cast<int>(i / one) % kTaps;
  float sum = 0;
  for (int ky = 0; ky < 3; ++ky)
    for (int kx = 0; kx < 3; ++kx)
      if (seen(phase / 2, ky) == tap / 2 && seen(phase % 2, kx) == tap % 2)
        sum += p.weight[(3 * ky + kx) * one + i % one];
  sums[i] = __float2half(sum);
}

__device__ void load(const Problem& p, const __half* weight, const Tile& at, int channel, Shared& shared) {
  const int thread = static_cast<int>(threadIdx.x);
  const __half zero = __float2half(0.0F);
  for (int i = thread; i < (kRows + 2) * (kWide + 2) * kDepth; i += kTensorThreads) {
    const int yy = at.y + i / kDepth / (kWide + 2) - 1;
    const int xx = at.x + i / kDepth % (kWide + 2) - 1;
    const bool inside = yy >= 0 && yy < p.height / 2 && xx >= 0 && xx < p.width / 2;
    const int pixel = (at.n * (p.height / 2) + yy) * (p.width / 2) + xx;
    (&shared.tile[0][0][0])[i] = inside ? p.image16[pixel * p.inputs + channel + i % kDepth] : zero;
  }
  for (int i = thread; i < kPhases * kTaps * kDepth * kColumns; i += kTensorThreads) {
    const int o = at.o + i % kColumns;
    const int row = i / kColumns / kDepth * p.inputs + channel + i / kColumns % kDepth;
    (&shared.weight[0][0][0][0])[i] = o < p.outputs ? weight[row * p.outputs + o] : zero;
  }
}

__device__ void multiply(const Shared& shared, int warp, Sum (&sum)[kPhases][2]) {
  for (int phase = 0; phase < kPhases; ++phase)
    for (int tap = 0; tap < kTaps; ++tap) {
      Left left;
      nvcuda::wmma::load_matrix_sync(left, &shared.tile[warp + phase / 2 + tap / 2][phase % 2 + tap % 2][0], kDepth);
      for (int column = 0; column < 2; ++column) {
        Right right;
        nvcuda::wmma::load_matrix_sync(right, &shared.weight[phase][tap][0][16 * column], kColumns);
        nvcuda::wmma::mma_sync(sum[phase][column], left, right, sum[phase][column]);
      }
    }
}

/// The four phases of a pixel are a window: their maximum is what pooling takes.
__device__ void finish_window(const Problem& p, const Tile& at, int y, int x, int o, const float (*phases)[16][16]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float most = -INFINITY;
  for (int phase = 0; phase < kPhases; ++phase) {
    float value = phases[phase][x][lane % 16] + p.bias[o];
    if (value < 0) value *= p.slope;
    p.out[((at.n * p.height + 2 * y + phase / 2) * p.width + 2 * (at.x + x) + phase % 2) * p.outputs + o] = value;
    most = fmaxf(most, value);
  }
  p.pooled[((at.n * (p.height / 2) + y) * (p.width / 2) + at.x + x) * p.outputs + o] = most;
}

__global__ void convolve(const Problem p, const __half* weight) {
  Shared& shared = *device::shared_memory<Shared>();
  const int tiles = (p.width / 2 + kWide - 1) / kWide;
  Tile at(p);
  at.y = static_cast<int>(blockIdx.y) / tiles * kRows;
  at.x = static_cast<int>(blockIdx.y) % tiles * kWide;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  Sum sum[kPhases][2];
  for (auto& phase : sum)
    for (Sum& part : phase) nvcuda::wmma::fill_fragment(part, 0.0F);
  for (int channel = 0; channel < p.inputs; channel += kDepth) {
    __syncthreads();
    load(p, weight, at, channel, shared);
    __syncthreads();
    multiply(shared, warp, sum);
  }
  for (int column = 0; column < 2; ++column) {
    __syncwarp();
    for (int phase = 0; phase < kPhases; ++phase)
      nvcuda::wmma::store_matrix_sync(&shared.results[warp][phase][0][0], sum[phase][column], 16,
                                      nvcuda::wmma::mem_row_major);
    __syncwarp();
    const int o = at.o + 16 * column + lane % 16;
    const int y = at.y + warp;
    for (int x = lane / 16; x < 16; x += 2)
      if (o < p.outputs && y < p.height / 2 && at.x + x < p.width / 2)
        finish_window(p, at, y, x, o, shared.results[warp]);
  }
}

}  // namespace

void four_phases(const Problem& p, cudaStream_t stream) {
  if (p.doubling == 1) return fused_epilogue(p, stream);
  auto* weight = reinterpret_cast<__half*>(p.scratch);
  const std::size_t weights = std::size_t{kPhases} * kTaps * p.inputs * p.outputs;
  device::launch("sums of weights", sum_weights, device::grid_for(weights, stream), p, weight);
  const unsigned rows = device::blocks_for(static_cast<std::size_t>(p.height / 2), kRows);
  const unsigned columns = device::blocks_for(static_cast<std::size_t>(p.width / 2), kWide);
  const dim3 grid(device::blocks_for(static_cast<std::size_t>(p.outputs), kColumns), rows * columns,
                  static_cast<unsigned>(p.images));
  device::launch("four phases", convolve, {grid, dim3(kTensorThreads), sizeof(Shared), stream}, p,
                 static_cast<const __half*>(weight));
}

}  // namespace n2s::series
