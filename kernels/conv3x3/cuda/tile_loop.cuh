// The main loop of the forward pass and of the data gradient, for any matrix tile and any tap geometry: source tile and
// weights of a few channels are copied to shared memory, and every warp multiplies its fragments of 16 pixels by BN
// output channels, tap by tap. No im2col: a tap is an offset into the tile.
#pragma once

#include "kernels/conv3x3/cuda/source.cuh"
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

/// Where the pixels of a block's tile are in the source: the same for all chunks of channels.
template <typename Taps, typename Source>
__device__ __forceinline__ void find_places(typename Source::Place* places, const Source& source, int top, int left) {
  for (int i = static_cast<int>(threadIdx.x); i < Taps::kTileRows * Taps::kTileColumns; i += kThreads)
    places[i] = source.place(top + i / Taps::kTileColumns, left + tile_column<Taps>(i % Taps::kTileColumns));
}

/// Which vectors of a chunk a thread copies: of the tile's pixels, and of the weights.
template <typename Tile, typename Taps, int BN>
struct ChunkCopies {
  using T = typename Tile::Element;
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using Source = RowCopies<Tile::kChunk / kVector<T>, Layout::kSourcePitch / kVector<T>, kThreads>;
  using Weights = RowCopies<BN / kVector<T>, Layout::kWeightPitch / kVector<T>, kThreads>;
  static constexpr int kPixels = Taps::kTileRows * Taps::kTileColumns;
  static constexpr int kWeightRows = Taps::kTaps * Tile::kChunk;
};

/// Copies the tile's pixels to shared memory, kChunk channels from `channel` on.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void load_source(typename Tile::Element* shared, const Source& source,
                                            const typename Source::Place* places, int channel) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Copies = typename ChunkCopies<Tile, Taps, BN>::Source;
  constexpr int kPixels = ChunkCopies<Tile, Taps, BN>::kPixels;
  const Copies copies;
  const int first = copies.vector * kVector<T>;
  if constexpr (Source::kAsynchronous) {
#pragma unroll(kCopiesAtOnce)
    for (int i = 0; i < Copies::most(kPixels); ++i)
      if (const int pixel = copies.at(i, kPixels); pixel >= 0)
        source.load(shared + pixel * Layout::kSourcePitch + first, places[pixel], channel + first);
  } else {
    constexpr int kHeld = 2;  // vectors of a thread that wait for memory together
#pragma unroll 1
    for (int i = 0; i < Copies::most(kPixels); i += kHeld) {
      Vector<T> held[kHeld];
#pragma unroll
      for (int j = 0; j < kHeld; ++j)
        if (const int pixel = copies.at(i + j, kPixels); pixel >= 0)
          held[j] = source.at(places[pixel], channel + first);
#pragma unroll
      for (int j = 0; j < kHeld; ++j)
        if (const int pixel = copies.at(i + j, kPixels); pixel >= 0)
          store_vector(shared + pixel * Layout::kSourcePitch + first, held[j]);
    }
  }
}

/// Copies a chunk's weights, contiguous in memory, to shared memory.
template <typename Tile, typename Taps, int BN>
__device__ __forceinline__ void load_weights(typename Tile::Element* shared, const typename Tile::Element* weights) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  using T = typename Tile::Element;
  using Copies = typename ChunkCopies<Tile, Taps, BN>::Weights;
  constexpr int kRows = ChunkCopies<Tile, Taps, BN>::kWeightRows;
  const Copies copies;
  const int first = copies.vector * kVector<T>;
#pragma unroll(kCopiesAtOnce)
  for (int i = 0; i < Copies::most(kRows); ++i)
    if (const int row = copies.at(i, kRows); row >= 0)
      copy_async(shared + Layout::kWeightOffset + row * Layout::kWeightPitch + first, weights + row * BN + first, true);
}

/// Vectors, of four registers, that a thread can hold beside its sums and addresses where kBlocks blocks fit a
/// multiprocessor.
template <typename Tile, typename Taps, int BN>
inline constexpr int kMostHeld = (65536 / (kThreads * Tile::kBlocks) - 40) / 4 - 2 * Taps::kWarpRows* BN / 16;

/// Both, through registers: what a thread copies is under way at once, or as much as it can hold.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void load_chunk_held(typename Tile::Element* shared, const Source& source,
                                                const typename Source::Place* places, int channel,
                                                const typename Tile::Element* weights) {
  using T = typename Tile::Element;
  using Chunk = ChunkCopies<Tile, Taps, BN>;
  using Layout = typename Chunk::Layout;
  constexpr int kWeights = Chunk::Weights::most(Chunk::kWeightRows);
  constexpr int kPixels = Source::kAsynchronous ? Chunk::Source::most(Chunk::kPixels) : 0;
  constexpr int kRoom = kMostHeld<Tile, Taps, BN> - kPixels;
  constexpr int kFirst = kRoom < 0 ? 0 : kRoom < kWeights ? kRoom : kWeights;  // weights that go with the pixels
  const typename Chunk::Weights weight_copies;
  const int column = weight_copies.vector * kVector<T>;
  const auto weight_at = [&](int row) { return *reinterpret_cast<const uint4*>(weights + row * BN + column); };
  const auto weight_place = [&](int row) {
    return shared + Layout::kWeightOffset + row * Layout::kWeightPitch + column;
  };
  HeldRows<T, typename Chunk::Weights, Chunk::kWeightRows, 0, kFirst> first_weights;
  first_weights.load(weight_copies, weight_at);
  if constexpr (Source::kAsynchronous) {
    const typename Chunk::Source copies;
    const int first = copies.vector * kVector<T>;
    HeldRows<T, typename Chunk::Source, Chunk::kPixels> pixels;
    pixels.load(copies, [&](int pixel) { return source.at(places[pixel], channel + first); });
    pixels.store(copies, [&](int pixel) { return shared + pixel * Layout::kSourcePitch + first; });
    first_weights.store(weight_copies, weight_place);
  } else {
    first_weights.store(weight_copies, weight_place);
    load_source<Tile, Taps, BN>(shared, source, places, channel);
  }
  if constexpr (kFirst == kWeights) return;
  __syncwarp();  // keeps the compiler from loading the rest before what is held was stored
  HeldRows<T, typename Chunk::Weights, Chunk::kWeightRows, kFirst, kWeights> other_weights;
  other_weights.load(weight_copies, weight_at);
  other_weights.store(weight_copies, weight_place);
}

/// sums += tile * weights, for one warp and the chunk that lies in shared memory.
template <typename Tile, typename Taps, int BN>
__device__ __forceinline__ void multiply_chunk(typename Tile::Accumulator (&sums)[Taps::kWarpRows][BN / 16],
                                               const typename Tile::Element* shared) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  constexpr int kRows = (Taps::kWarpRows - 1) * Taps::kRowStep + Taps::kTapsY;  // of the tile that a warp reads
  constexpr bool kKeepsRows = kRows <= Tile::kRowsKept;
  const int warp = static_cast<int>(threadIdx.x / 32);
  const auto* source = shared + Taps::row_origin(warp) * Taps::kTileColumns * Layout::kSourcePitch;
  const auto* weights = shared + Layout::kWeightOffset;
#pragma unroll 1
  for (int k = 0; k < Tile::kChunk; k += Tile::kDepth)
#pragma unroll 1
    for (int tx = 0; tx < Taps::kTapsX; ++tx) {
      const auto* column = source + Taps::column(warp, tx) * Layout::kSourcePitch + k;
      const auto row_at = [&](int row) { return column + row * Taps::kTileColumns * Layout::kSourcePitch; };
      [[maybe_unused]] typename Tile::A kept[kKeepsRows ? kRows : 1];
      if constexpr (kKeepsRows && !Tile::kHoldsLoadsBack) {
#pragma unroll
        for (int row = 0; row < kRows; ++row) Tile::load_a(kept[row], row_at(row), Layout::kSourcePitch);
      }
#pragma unroll(kKeepsRows ? Taps::kTapsY : 1)
      for (int ty = 0; ty < Taps::kTapsY; ++ty) {
        const auto* tap = weights + (Taps::tap(warp, ty, tx) * Tile::kChunk + k) * Layout::kWeightPitch;
        typename Tile::B b[BN / 16];
#pragma unroll
        for (int n = 0; n < BN / 16; ++n) Tile::load_b(b[n], tap + 16 * n, Layout::kWeightPitch);
#pragma unroll
        for (int m = 0; m < Taps::kWarpRows; ++m) {
          if constexpr (kKeepsRows) {
            const int row = m * Taps::kRowStep + ty;
            const bool is_new = ty < Taps::kRowStep || m + 1 == Taps::kWarpRows;
            if (Tile::kHoldsLoadsBack && is_new) Tile::load_a(kept[row], row_at(row), Layout::kSourcePitch);
#pragma unroll
            for (int n = 0; n < BN / 16; ++n) Tile::multiply(sums[m][n], kept[row], b[n]);
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
/// one is multiplied. `shared` has room for kTileLoopBytes; `weights` is where this part's begin.
template <typename Tile, typename Taps, int BN, typename Source>
__device__ __forceinline__ void accumulate(typename Tile::Accumulator (&sums)[Taps::kWarpRows][BN / 16],
                                           typename Tile::Element* shared, const Source& source, int top, int left,
                                           const typename Tile::Element* weights, int chunks) {
  using Layout = ChunkLayout<Tile, Taps, BN>;
  constexpr int kStages = Source::kAsynchronous ? Tile::kStages : 1;
  constexpr int kChunkWeights = Taps::kTaps * Tile::kChunk * BN;
  auto* places = reinterpret_cast<typename Source::Place*>(shared + kStages * Layout::kElements);
  find_places<Taps>(places, source, top, left);
  __syncthreads();
  const auto start = [&](int chunk) {
    auto* stage = shared + chunk % kStages * Layout::kElements;
    const auto* chunk_weights = weights + static_cast<std::size_t>(chunk) * kChunkWeights;
    if constexpr (kHoldsCopies<Tile>) {
      load_chunk_held<Tile, Taps, BN>(stage, source, places, chunk * Tile::kChunk, chunk_weights);
    } else {
      load_source<Tile, Taps, BN>(stage, source, places, chunk * Tile::kChunk);
      load_weights<Tile, Taps, BN>(stage, chunk_weights);
      commit_copies();
    }
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

/// Bytes of shared memory that accumulate() needs: its stages and the places of the pixels.
template <typename Tile, typename Taps, int BN, typename Source>
inline constexpr std::size_t kTileLoopBytes = ChunkLayout<Tile, Taps, BN>::kElements*(Source::kAsynchronous
                                                                                          ? Tile::kStages
                                                                                          : 1) *
                                                  sizeof(typename Tile::Element) +
                                              Taps::kTileRows* Taps::kTileColumns * sizeof(typename Source::Place);

/// Stores 16 of the output channels of all the block's pixels to shared memory, where any thread can read them:
/// fragment m of a warp begins at pixel (warp * rows + m) * 16, and a pixel's sums are kStagedPitch floats from the
/// previous one's. A barrier has to follow.
template <typename Tile, int Rows, int Fragments>
__device__ __forceinline__ void stage(float* staged, const typename Tile::Accumulator (&sums)[Rows][Fragments],
                                      int fragment) {
  const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll
  for (int n = 0; n < Fragments; ++n)  // not sums[m][fragment]: registers have no run-time index
    if (n == fragment) {
#pragma unroll
      for (int m = 0; m < Rows; ++m)
        Tile::store(staged + (warp * Rows + m) * 16 * Tile::kStagedPitch, sums[m][n], Tile::kStagedPitch);
    }
}

}  // namespace n2s::device
