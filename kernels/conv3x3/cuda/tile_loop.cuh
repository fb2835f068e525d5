// The main loop of the forward pass and of the data gradient, for any matrix tile and any tap geometry: source tile and
// weights of a few channels are copied to shared memory, and every warp multiplies its fragments of 16 pixels by BN
// output channels, tap by tap. No im2col: a tap is an offset into the tile.
#pragma once

#include "kernels/conv3x3/cuda/tap_geometry.cuh"
#include "kernels/device/async_copy.h"
#include "kernels/device/element.h"

namespace n2s::device {

/// Offsets in shared memory, in elements, for one chunk of channels.
template <typename Tile, typename Taps, int BN>
struct ChunkLayout {
  static constexpr int kSourcePitch = Tile::source_pitch(Tile::kChunk);
  static constexpr int kWeightPitch = Tile::weight_pitch(BN);
  static constexpr int kSourceElements = Taps::kTileRows * Taps::kTileColumns * kSourcePitch;
  static constexpr int kWeightOffset = (kSourceElements + 15) / 16 * 16;  // 32-byte alignment at least
  static constexpr int kElements = (kWeightOffset + Taps::kTaps * Tile::kChunk * kWeightPitch + 15) / 16 * 16;
};

/// One NHWC image as a source, zero outside.
template <typename T>
struct ImageSource {
  const T* image = nullptr;                 // of this batch element
  int height = 0, width = 0, channels = 0;  // channels as stored
  static constexpr bool kAsynchronous = true;

  __device__ __forceinline__ void load(T* to, int y, int x, int channel) const {
    const bool inside = y >= 0 && y < height && x >= 0 && x < width && channel < channels;
    const std::size_t offset = inside ? (static_cast<std::size_t>(y) * width + x) * channels + channel : 0;
    copy_async(to, image + offset, inside);
  }
};

/// Which 16-byte vector of which row in shared memory a thread writes. Where rows lie an odd number of vectors apart,
/// eight threads that write one vector each of eight rows use 32 different banks, and eight that go along a row do not;
/// with an even number it is the other way round.
template <int Vectors, bool DownRows>
struct VectorOrder {
  int row, vector;
  __device__ __forceinline__ explicit VectorOrder(int i)
      : row(DownRows ? i / (8 * Vectors) * 8 + i % 8 : i / Vectors), vector(DownRows ? i / 8 % Vectors : i % Vectors) {}
  static constexpr int count(int rows) { return DownRows ? (rows + 7) / 8 * 8 * Vectors : rows * Vectors; }
};

template <typename T>
constexpr bool has_odd_pitch(int pitch) {
  return pitch / kVector<T> % 2 != 0;
}

/// Copies the tile whose first pixel is (top, left) to shared memory, kChunk channels from `channel` on.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void load_source(typename Tile::Element* shared, const Source& source, int top, int left,
                                            int channel) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Order = VectorOrder<Tile::kChunk / kVector<T>, has_odd_pitch<T>(Layout::kSourcePitch)>;
  constexpr int kPixels = Taps::kTileRows * Taps::kTileColumns;
  for (int i = static_cast<int>(threadIdx.x); i < Order::count(kPixels); i += kThreads) {
    const Order order(i);
    if (order.row >= kPixels) continue;
    const int first = order.vector * kVector<T>;
    source.load(shared + order.row * Layout::kSourcePitch + first, top + order.row / Taps::kTileColumns,
                left + tile_column<Taps>(order.row % Taps::kTileColumns), channel + first);
  }
}

/// Copies a chunk's weights, contiguous in memory, to shared memory.
template <typename Tile, typename Taps, int BN>
__device__ __forceinline__ void load_weights(typename Tile::Element* shared, const typename Tile::Element* weights) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Order = VectorOrder<BN / kVector<T>, has_odd_pitch<T>(Layout::kWeightPitch)>;
  constexpr int kRows = Taps::kTaps * Tile::kChunk;
  static_assert(kRows % 8 == 0);
#pragma unroll 1  // more would take registers that the sums need
  for (int i = static_cast<int>(threadIdx.x); i < Order::count(kRows); i += kThreads) {
    const Order order(i);
    const int first = order.vector * kVector<T>;
    copy_async(shared + Layout::kWeightOffset + order.row * Layout::kWeightPitch + first,
               weights + order.row * BN + first, true);
  }
}

/// sums += tile * weights, for one warp and the chunk that lies in shared memory.
template <typename Tile, typename Taps, int BN>
__device__ __forceinline__ void multiply_chunk(typename Tile::Accumulator (&sums)[Taps::kWarpRows][BN / 16],
                                               const typename Tile::Element* shared) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  constexpr int kRows = (Taps::kWarpRows - 1) * Taps::kRowStep + Taps::kTapsY;  // of the tile that a warp reads
  const int warp = static_cast<int>(threadIdx.x / 32);
  const auto* source = shared + Taps::row_origin(warp) * Taps::kTileColumns * Layout::kSourcePitch;
  const auto* weights = shared + Layout::kWeightOffset;
#pragma unroll 1
  for (int k = 0; k < Tile::kChunk; k += Tile::kDepth)
#pragma unroll 1
    for (int tx = 0; tx < Taps::kTapsX; ++tx) {
      const auto* column = source + Taps::column(warp, tx) * Layout::kSourcePitch + k;
      const auto row_at = [&](int row) { return column + row * Taps::kTileColumns * Layout::kSourcePitch; };
      [[maybe_unused]] typename Tile::A kept[Tile::kKeepsRows ? kRows : 1];
      if constexpr (Tile::kKeepsRows) {
#pragma unroll
        for (int row = 0; row < kRows; ++row) Tile::load_a(kept[row], row_at(row), Layout::kSourcePitch);
      }
#pragma unroll(Tile::kKeepsRows ? Taps::kTapsY : 1)
      for (int ty = 0; ty < Taps::kTapsY; ++ty) {
        const auto* tap = weights + (Taps::tap(warp, ty, tx) * Tile::kChunk + k) * Layout::kWeightPitch;
        typename Tile::B b[BN / 16];
#pragma unroll
        for (int n = 0; n < BN / 16; ++n) Tile::load_b(b[n], tap + 16 * n, Layout::kWeightPitch);
#pragma unroll
        for (int m = 0; m < Taps::kWarpRows; ++m) {
          if constexpr (Tile::kKeepsRows) {
#pragma unroll
            for (int n = 0; n < BN / 16; ++n) Tile::multiply(sums[m][n], kept[m * Taps::kRowStep + ty], b[n]);
          } else {
            if (Tile::kHoldsLoadsBack && m == Taps::kWarpRows / 2) __syncwarp();
            typename Tile::A a;
            Tile::load_a(a, row_at(m * Taps::kRowStep + ty), Layout::kSourcePitch);
#pragma unroll
            for (int n = 0; n < BN / 16; ++n) Tile::multiply(sums[m][n], a, b[n]);
          }
        }
      }
    }
}

/// One source's share of the sums: all its chunks. With asynchronous copies the next chunk is copied while the current
/// one is multiplied. `shared` has room for kStages chunks; `weights` is where this part's begin.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void accumulate(typename Tile::Accumulator (&sums)[Taps::kWarpRows][BN / 16],
                                           typename Tile::Element* shared, const Source& source, int top, int left,
                                           const typename Tile::Element* weights, int chunks) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  constexpr int kStages = Source::kAsynchronous ? Tile::kStages : 1;
  constexpr int kChunkWeights = Taps::kTaps * Tile::kChunk * BN;
  const auto start = [&](int chunk) {
    auto* stage = shared + chunk % kStages * Layout::kElements;
    load_source<Tile, Taps, BN>(stage, source, top, left, chunk * Tile::kChunk);
    load_weights<Tile, Taps, BN>(stage, weights + static_cast<std::size_t>(chunk) * kChunkWeights);
    commit_copies();
  };
  if constexpr (kStages == 2) {
    if (chunks > 0) start(0);
    for (int chunk = 0; chunk < chunks; ++chunk) {
      wait_copies<0>();
      __syncthreads();  // this chunk has arrived, and no thread still reads the previous one
      if (chunk + 1 < chunks) start(chunk + 1);
      multiply_chunk<Tile, Taps, BN>(sums, shared + chunk % 2 * Layout::kElements);
    }
    __syncthreads();  // what follows may use the memory
  } else {
    for (int chunk = 0; chunk < chunks; ++chunk) {
      start(chunk);
      wait_copies<0>();
      __syncthreads();
      multiply_chunk<Tile, Taps, BN>(sums, shared);
      __syncthreads();
    }
  }
}

/// Elements of shared memory that accumulate() needs.
template <typename Tile, typename Taps, int BN, bool Asynchronous>
inline constexpr int kTileLoopElements = ChunkLayout<Tile, Taps, BN>::kElements*(Asynchronous ? Tile::kStages : 1);

inline constexpr int kStagedPitch = 24;  // floats of a pixel's 16 sums in shared memory: 8 spread the banks

/// Stores 16 of the output channels of all the block's pixels to shared memory, where any thread can read them:
/// fragment m of a warp begins at pixel (warp * rows + m) * 16. A barrier has to follow.
template <typename Tile, int Rows, int Fragments>
__device__ __forceinline__ void stage(float* staged, const typename Tile::Accumulator (&sums)[Rows][Fragments],
                                      int fragment) {
  const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll
  for (int n = 0; n < Fragments; ++n)  // not sums[m][fragment]: registers have no run-time index
    if (n == fragment) {
#pragma unroll
      for (int m = 0; m < Rows; ++m)
        Tile::store(staged + (warp * Rows + m) * 16 * kStagedPitch, sums[m][n], kStagedPitch);
    }
}

}  // namespace n2s::device
