// The loop at the heart of the convolution's forward pass and data gradient, for any matrix tile and any tap geometry:
// source tile and weights of a few channels come into shared memory, and every warp multiplies its fragments of 16
// pixels by BN output channels, tap by tap. No im2col: a tap is an offset into the tile.
#pragma once

#include <cstdint>

#include "kernels/conv3x3/tap_geometry.h"
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

/// A plain source: one NHWC image, zero outside.
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

/// value += arrived in the channels whose maximum was at this position of the window; two bits of `positions` a
/// channel.
template <typename T>
__device__ __forceinline__ void add_unpooled(Vector<T>& value, const Vector<T>& arrived, unsigned positions,
                                             unsigned here) {
#pragma unroll
  for (int i = 0; i < kVector<T>; ++i)
    if (((positions >> (2 * i)) & 3U) == here) value[i] = from_float<T>(to_float(value[i]) + to_float(arrived[i]));
}

/// A gradient that arrives at full resolution, through a pooled output, or both.
template <typename T>
struct UpstreamSource {
  const T* dense = nullptr;   // of this batch element, each may be null
  const T* pooled = nullptr;  // half the resolution
  const std::uint16_t* argmax = nullptr;
  int height = 0, width = 0, channels = 0;
  static constexpr bool kAsynchronous = false;

  __device__ __forceinline__ bool has(int y, int x, int channel) const {
    return y >= 0 && y < height && x >= 0 && x < width && channel < channels;
  }
  /// What arrives at the window that (y, x) lies in, and where in the window it goes.
  __device__ __forceinline__ void load_window(Vector<T>& arrived, unsigned& positions, int y, int x,
                                              int channel) const {
    arrived = zero_vector<T>();
    positions = 0;
    if (!has(y, x, channel)) return;
    const std::size_t window = static_cast<std::size_t>(y / 2) * (width / 2) + x / 2;
    arrived = load_vector(pooled + window * channels + channel);
    positions = static_cast<unsigned>(argmax[(window * channels + channel) / 8]) >> (2 * (channel % 8));
  }
  __device__ __forceinline__ Vector<T> at(int y, int x, int channel) const {
    if (!has(y, x, channel)) return zero_vector<T>();
    const std::size_t pixel = static_cast<std::size_t>(y) * width + x;
    Vector<T> value = dense != nullptr ? load_vector(dense + pixel * channels + channel) : zero_vector<T>();
    if (pooled == nullptr) return value;
    Vector<T> arrived;
    unsigned positions;
    load_window(arrived, positions, y, x, channel);
    add_unpooled(value, arrived, positions, 2 * (static_cast<unsigned>(y) % 2) + static_cast<unsigned>(x) % 2);
    return value;
  }
  __device__ __forceinline__ void load(T* to, int y, int x, int channel) const { store_vector(to, at(y, x, channel)); }
};

/// How 16-byte pieces of rows in shared memory are dealt out to neighbouring threads. Where rows lie an odd number of
/// pieces apart, eight threads that take one piece of eight rows write to 32 different banks, and eight that go along a
/// row do not; with an even number it is the other way round.
template <int Pieces, bool DownRows>
struct PieceOrder {
  int row, piece;
  __device__ __forceinline__ explicit PieceOrder(int i)
      : row(DownRows ? i / (8 * Pieces) * 8 + i % 8 : i / Pieces), piece(DownRows ? i / 8 % Pieces : i % Pieces) {}
  static constexpr int count(int rows) { return DownRows ? (rows + 7) / 8 * 8 * Pieces : rows * Pieces; }
};

template <typename T>
constexpr bool lies_apart_oddly(int pitch) {
  return pitch / kVector<T> % 2 != 0;
}

/// Brings the tile whose first pixel is (top, left) into shared memory, kChunk channels from `channel` on.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void load_source(typename Tile::Element* shared, const Source& source, int top, int left,
                                            int channel) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Order = PieceOrder<Tile::kChunk / kVector<T>, lies_apart_oddly<T>(Layout::kSourcePitch)>;
  constexpr int kPixels = Taps::kTileRows * Taps::kTileColumns;
  for (int i = static_cast<int>(threadIdx.x); i < Order::count(kPixels); i += kThreads) {
    const Order order(i);
    if (order.row >= kPixels) continue;
    const int piece = order.piece * kVector<T>;
    source.load(shared + order.row * Layout::kSourcePitch + piece, top + order.row / Taps::kTileColumns,
                left + tile_column<Taps>(order.row % Taps::kTileColumns), channel + piece);
  }
}

/// Brings a chunk's weights, contiguous in memory, into shared memory.
template <typename Tile, typename Taps, int BN>
__device__ __forceinline__ void load_weights(typename Tile::Element* shared, const typename Tile::Element* weights) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Order = PieceOrder<BN / kVector<T>, lies_apart_oddly<T>(Layout::kWeightPitch)>;
  constexpr int kRows = Taps::kTaps * Tile::kChunk;
  static_assert(kRows % 8 == 0);
#pragma unroll 1  // more would take registers that the sums need
  for (int i = static_cast<int>(threadIdx.x); i < Order::count(kRows); i += kThreads) {
    const Order order(i);
    const int piece = order.piece * kVector<T>;
    copy_async(shared + Layout::kWeightOffset + order.row * Layout::kWeightPitch + piece,
               weights + order.row * BN + piece, true);
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

/// One source's share of the sums: all its chunks. With asynchronous copies the next chunk is on its way while the
/// present one is multiplied. `shared` has room for kStages chunks; `weights` is where this part's begin.
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
      __syncthreads();  // this chunk is there, and nobody reads the one before any more
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

/// Lays 16 of the output channels of all the block's pixels into shared memory, where any thread can read them:
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
