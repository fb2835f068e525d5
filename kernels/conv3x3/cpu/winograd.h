// Winograd's minimal filtering F(4x4, 3x3) with the points 0, +-1, +-2, infinity (Lavin & Gray 2016, section 4.3):
// Y = A^T [(G g G^T) . (B^T d B)] A, where d is a 6x6 input tile, g a filter and Y a 4x4 output tile. Over channels the
// product at each of the 36 positions is a matrix product, and that is where the time goes.
//
// Upsampled channels cost 25 positions instead of 36, exactly: a signal whose pixels were doubled is a multiple of 1 +
// z as a polynomial, so its value at the point -1 is zero: B^T (a, b, b, c, c, d) has a zero in row 2. The same holds
// for the gradient that is summed over the doubled pixels, where column 2 of the output transform vanishes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/floats.h"

namespace n2s::winograd {

constexpr int kTile = 4;        // output pixels of a tile, each way
constexpr int kPositions = 36;  // position 6 * i + j is row i, column j of the transformed tile

/// The one position at which a constant image is not 0.
constexpr int kConstant = 7;

constexpr bool sees_low(int position) {
  return position / 6 != 2 && position % 6 != 2;
}

/// Channels padded to what every vector length divides.
constexpr int padded(int channels) {
  return (channels + 15) / 16 * 16;
}

/// Channels of the concatenation are stored without a gap; the skip part's last vector may reach beyond the end.
inline int source_stride(const Conv3x3Layer& l) {
  return padded(std::max(padded(l.low_channels), l.low_channels + padded(l.skip_channels)));
}

/// Tiles of a batch in one row: index = (n * rows + row) * columns + column.
struct Tiling {
  explicit Tiling(const Conv3x3Layer& l)
      : rows((l.height + kTile - 1) / kTile),
        columns((l.width + kTile - 1) / kTile),
        count(std::ptrdiff_t{l.batch} * rows * columns) {}
  struct Place {
    int n, y, x;  // image; first output pixel of the tile
  };
  Place operator[](std::ptrdiff_t index) const {
    const auto in_row = static_cast<int>(index % columns);
    const auto row = index / columns;
    return {static_cast<int>(row / rows), static_cast<int>(row % rows) * kTile, in_row * kTile};
  }
  int rows, columns;
  std::ptrdiff_t count;
};

/// Transformed tiles of a block, position by position; 16 floats between positions keep their cache sets apart.
struct Transformed {
  std::ptrdiff_t stride = 0;  // floats of a tile at one position, a multiple of 16
  std::ptrdiff_t step = 0;    // floats from one position to the next
  std::ptrdiff_t size() const { return kPositions * step; }
};
inline Transformed transformed(std::ptrdiff_t tiles, int stride) {
  return {stride, tiles * stride + 16};
}

/// Packed weights: at each position a matrix (depth, columns), in panels; also 16 floats apart, for the cache's sake.
struct Packed {
  std::array<int, kPositions> depth{};
  std::array<std::ptrdiff_t, kPositions + 1> offset{};
  int columns = 0;  // padded
  std::ptrdiff_t size() const { return offset[kPositions]; }
};
template <typename Depth>
Packed packed(int columns, const Depth& depth_at) {
  Packed result;
  result.columns = padded(columns);
  for (std::size_t p = 0; p < kPositions; ++p) {
    result.depth[p] = columns > 0 ? depth_at(static_cast<int>(p)) : 0;
    result.offset[p + 1] = result.offset[p] + std::ptrdiff_t{result.depth[p]} * result.columns + 16;
  }
  return result;
}

/// The weights where products are of bfloat16 values: first those of position kConstant as above, which is multiplied
/// in fp32 all the same (rounded, it would shift the brightness of whole regions, and is a quarter of the error in
/// smooth images); then for each position words of two rows (bf16_products.h) by columns, row by row.
struct PackedPairs {
  explicit PackedPairs(const Packed& weights) {
    offset[0] = std::ptrdiff_t{weights.depth[kConstant]} * weights.columns + 16;
    for (std::size_t p = 0; p < kPositions; ++p)
      offset[p + 1] =
          offset[p] + (p == kConstant ? 0 : std::ptrdiff_t{(weights.depth[p] + 1) / 2} * weights.columns + 16);
  }
  std::array<std::ptrdiff_t, kPositions + 1> offset{};  // of words
  std::ptrdiff_t size() const { return offset[kPositions]; }
};

/// Of a layer's packed weights, floats or words.
inline std::ptrdiff_t packed_size(const Packed& weights, bool in_bf16) {
  return in_bf16 ? PackedPairs(weights).size() : weights.size();
}
/// Where the floats of a position begin.
inline std::ptrdiff_t float_offset(const Packed& weights, int position, bool in_bf16) {
  return in_bf16 ? 0 : weights.offset[static_cast<std::size_t>(position)];
}

/// Tiles that are transformed, multiplied and transformed back at a time, so that a block stays in the L2 cache.
/// Any block gives the same result; small images get small blocks, so that all threads have work.
inline int block_tiles(std::ptrdiff_t tiles, int floats_per_position, int threads) {
  constexpr int kCacheFloats = 128 * 1024;
  const int fits = std::clamp(kCacheFloats / (kPositions * floats_per_position) / 24 * 24, 24, 96);
  const std::ptrdiff_t share = (tiles + 2 * threads - 1) / (2 * threads);
  return static_cast<int>(std::min<std::ptrdiff_t>(fits, std::max<std::ptrdiff_t>((share + 7) / 8 * 8, 8)));
}

/// Memory layout of a forward pass. Scratch per thread: V, then M, then zeros, in floats; then words of V at one
/// position, where products are of bfloat16 values.
struct ForwardPlan {
  ForwardPlan(const Conv3x3Layer& l, int threads, bool bf16)
      : tiles(l),
        weights(packed(l.out_channels, [&](int p) { return (sees_low(p) ? l.low_channels : 0) + l.skip_channels; })),
        block(block_tiles(tiles.count, source_stride(l) + padded(l.out_channels), threads)),
        v(transformed(block, source_stride(l))),
        m(transformed(block, padded(l.out_channels))),
        zeros(padded(std::max(l.low_channels, l.skip_channels))),
        in_bf16(bf16),
        words(bf16 ? block * v.stride / 2 : 0),
        per_thread(v.size() + m.size() + zeros + words) {}
  Tiling tiles;
  Packed weights;
  int block;
  Transformed v, m;
  std::ptrdiff_t zeros;
  bool in_bf16;
  std::ptrdiff_t words, per_thread;
};

/// The output gradient is transformed once (V) for both parts; each part has its own weights and results (M).
struct DataGradientPlan {
  DataGradientPlan(const Conv3x3Layer& l, int threads, bool bf16)
      : tiles(l),
        low_weights(packed(l.low_channels, [&](int p) { return sees_low(p) ? l.out_channels : 0; })),
        skip_weights(packed(l.skip_channels, [&](int) { return l.out_channels; })),
        block(block_tiles(tiles.count, padded(l.out_channels) + padded(l.low_channels) + padded(l.skip_channels),
                          threads)),
        v(transformed(block, padded(l.out_channels))),
        low(transformed(block, padded(l.low_channels))),
        skip(transformed(block, padded(l.skip_channels))),
        zeros(padded(l.out_channels)),
        in_bf16(bf16),
        words(bf16 ? block * v.stride / 2 : 0),
        per_thread(v.size() + low.size() + skip.size() + zeros + words) {}
  Tiling tiles;
  Packed low_weights, skip_weights;
  int block;
  Transformed v, low, skip;
  std::ptrdiff_t zeros;
  bool in_bf16;
  std::ptrdiff_t words, per_thread;
};

/// Tiles are divided into slices that depend on the shape alone and are reduced in order: results do not depend on the
/// number of threads. Scratch: V, W (the output gradient), sums, zeros and, where products are of bfloat16 values,
/// words of V and of W at one position for each thread, then the slices' results.
struct WeightGradientPlan {
  WeightGradientPlan(const Conv3x3Layer& l, bool bf16)
      : tiles(l),
        sums(packed(l.out_channels, [&](int p) { return (sees_low(p) ? l.low_channels : 0) + l.skip_channels; })),
        slices(std::clamp<std::ptrdiff_t>(tiles.count / (2 * kBlock), 1, 16)),
        v(transformed(kBlock, source_stride(l))),
        w(transformed(kBlock, padded(l.out_channels))),
        zeros(padded(std::max({l.low_channels, l.skip_channels, l.out_channels}))),
        in_bf16(bf16),
        words(bf16 ? kBlock / 2 * (v.stride + w.stride) : 0),
        per_thread(v.size() + w.size() + sums.size() + zeros + words),
        inputs(l.low_channels + l.skip_channels),
        per_slice(std::ptrdiff_t{9 * inputs + 1} * sums.columns) {}
  std::ptrdiff_t slice_begin(std::ptrdiff_t slice) const { return tiles.count * slice / slices; }
  static constexpr int kBlock = 64;  // tiles: the depth of a matrix product
  Tiling tiles;
  Packed sums;
  std::ptrdiff_t slices;
  Transformed v, w;
  std::ptrdiff_t zeros;
  bool in_bf16;
  std::ptrdiff_t words, per_thread;
  int inputs;
  std::ptrdiff_t per_slice;  // [9][inputs][columns] weight gradient, [columns] bias gradient
};

/// `bf16`: the products are of bfloat16 values, with fp32 sums; transforms, tensors and gradients are fp32 all the
/// same.
void forward_pack(const Conv3x3Layer& layer, const float* weight, float* packed, bool bf16, ThreadPool& pool);
void data_gradient_pack(const Conv3x3Layer& layer, const float* weight, float* packed, bool bf16, ThreadPool& pool);

/// The problem is checked; its packed and scratch memory is large enough.
void forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, bool bf16, ThreadPool& pool);
void data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem, bool bf16, ThreadPool& pool);
void weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem, bool bf16, ThreadPool& pool);

}  // namespace n2s::winograd
