// What the steps with tensor cores share: a tile of 16 x 8 pixels and 32 output channels for each block of four warps,
// of which each has two rows. A tap is an offset into the tile in shared memory: 16 pixels of a row times 16 channels
// are the left matrix as they lie there.
#pragma once

#include <mma.h>

#include "bench/conv3x3_series/series.h"

namespace n2s::series {

inline constexpr int kWide = 16, kHigh = 8;  // pixels of a tile
inline constexpr int kColumns = 32;          // output channels
inline constexpr int kDepth = 16;            // channels of a chunk
inline constexpr int kWarps = 4;
inline constexpr int kTensorThreads = 32 * kWarps;

struct Chunk {
  __half tile[kHigh + 2][kWide + 2][kDepth];
  __half weight[9][kDepth][kColumns];
};

/// The block's place.
struct Tile {
  __device__ explicit Tile(const Problem& p) {
    const int tiles = (p.width + kWide - 1) / kWide;
    n = static_cast<int>(blockIdx.z);
    y = static_cast<int>(blockIdx.y) / tiles * kHigh;
    x = static_cast<int>(blockIdx.y) % tiles * kWide;
    o = static_cast<int>(blockIdx.x) * kColumns;
  }
  int n, y, x, o;
};

inline dim3 tensor_grid(const Problem& p) {
  const int rows = (p.height + kHigh - 1) / kHigh;
  const int columns = (p.width + kWide - 1) / kWide;
  return {static_cast<unsigned>((p.outputs + kColumns - 1) / kColumns), static_cast<unsigned>(rows * columns),
          static_cast<unsigned>(p.images)};
}

/// Where eight channels of a pixel come from, or null beyond the image's edge.
__device__ inline const __half* source_of(const Problem& p, const Tile& at, int row, int column, int channel) {
  const int yy = at.y + row - 1;
  const int xx = at.x + column - 1;
  if (yy < 0 || yy >= p.height || xx < 0 || xx >= p.width) return nullptr;
  const int pixel = (at.n * (p.height / p.doubling) + yy / p.doubling) * (p.width / p.doubling) + xx / p.doubling;
  return p.image16 + pixel * p.inputs + channel;
}

using Left = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::row_major>;
using Right = nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::row_major>;
using Sum = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;

/// The sums of a warp: two rows of 16 pixels, 32 output channels.
struct Sums {
  __device__ Sums() {
    for (auto& row : sum)
      for (Sum& part : row) nvcuda::wmma::fill_fragment(part, 0.0F);
  }
  __device__ void multiply(const Chunk& chunk, int warp) {
    for (int tap = 0; tap < 9; ++tap)
      for (int column = 0; column < 2; ++column) {
        Right right;
        nvcuda::wmma::load_matrix_sync(right, &chunk.weight[tap][0][16 * column], kColumns);
        for (int row = 0; row < 2; ++row) {
          Left left;
          nvcuda::wmma::load_matrix_sync(left, &chunk.tile[2 * warp + row + tap / 3][tap % 3][0], kDepth);
          nvcuda::wmma::mma_sync(sum[row][column], left, right, sum[row][column]);
        }
      }
  }
  Sum sum[2][2];  // [row][16 columns]
};

/// Bias, activation and pooling of a warp's results while they are at hand.
__device__ inline void finish(const Problem& p, const Tile& at, const Sums& sums, int warp, float (&rows)[2][16][16]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int column = 0; column < 2; ++column) {
    __syncwarp();
    for (int row = 0; row < 2; ++row)
      nvcuda::wmma::store_matrix_sync(&rows[row][0][0], sums.sum[row][column], 16, nvcuda::wmma::mem_row_major);
    __syncwarp();
    const int o = at.o + 16 * column + lane % 16;
    if (o >= p.outputs) continue;
    for (int pair = lane / 16; pair < 8; pair += 2) {  // windows of 2x2 pixels
      const int y = at.y + 2 * warp;
      const int x = at.x + 2 * pair;
      if (y >= p.height || x >= p.width) continue;
      float most = -INFINITY;
      for (int i = 0; i < 4; ++i) {
        float value = rows[i / 2][2 * pair + i % 2][lane % 16] + p.bias[o];
        if (value < 0) value *= p.slope;
        p.out[((at.n * p.height + y + i / 2) * p.width + x + i % 2) * p.outputs + o] = value;
        most = fmaxf(most, value);
      }
      p.pooled[((at.n * (p.height / 2) + y / 2) * (p.width / 2) + x / 2) * p.outputs + o] = most;
    }
  }
}

}  // namespace n2s::series
