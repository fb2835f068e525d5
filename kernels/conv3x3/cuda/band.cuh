// A band: what a block of the weight gradient holds in shared memory at a time. It is some rows of a patch of output
// pixels, the output gradient at these, and the source pixels around them. How a band is divided among warps, copied to
// shared memory and multiplied.
#pragma once

#include "kernels/conv3x3/cuda/output_gradient.cuh"
#include "kernels/conv3x3/cuda/tile_loop.cuh"

namespace n2s::device {

inline constexpr int kPatchRows = 8;  // output rows of a patch, the unit that pixels are split by

/// Plain taps: Rows x 16 pixels at a time. A warp has a fragment of 16 input channels and a column of three taps. Where
/// a block has one fragment, each half of its warps has half of the rows, and sums of its own.
template <int Rows = kPatchRows, int Fragments = 2>
struct PlainBand {
  static constexpr int kInputs = 16 * Fragments;  // input channels of a block
  static constexpr int kParts = 2 / Fragments;    // of the rows
  static constexpr int kBandWarps = 6;
  static constexpr int kMostColumns = 48;                            // output channels of a block
  static constexpr int kRows = Rows, kColumns = 16;                  // output pixels
  static constexpr int kSourceRows = Rows + 2, kSourceColumns = 18;  // source pixels
  static constexpr int kSourceScale = 1;                             // output pixels in a source pixel, along an axis
  static constexpr int kTaps = 9, kTapsY = 3, kTapsX = 1;            // the latter two of a warp
  static constexpr int kSteps = Rows / kParts;                       // rows of 16 output pixels that a warp multiplies
  __device__ __forceinline__ static int fragment(int warp) { return kParts == 1 ? warp / 3 : 0; }
  __device__ __forceinline__ static int part(int warp) { return kParts == 1 ? 0 : warp / 3; }
  __device__ __forceinline__ static int tap(int warp, int ty, int) { return 3 * ty + warp % 3; }
  /// The pixels that the warp's first step and tap read begin here.
  __device__ __forceinline__ static int source_pixel(int warp) {
    return part(warp) * kSteps * kSourceColumns + warp % 3;
  }
  __device__ __forceinline__ static int output_pixel(int warp) { return part(warp) * kSteps * 16; }
  /// Slot of output pixel (y, x) in shared memory, and the pixel of a slot.
  __device__ __forceinline__ static int slot(int y, int x) { return 16 * y + x; }
  __device__ __forceinline__ static int2 pixel_at(int slot) { return make_int2(slot % 16, slot / 16); }
};

/// Four-phase form: Rows x 32 pixels at a time, from a quarter of that; a warp has one phase.
template <int Rows = kPatchRows>
struct PhaseBand {
  static constexpr int kInputs = 32;
  static constexpr int kParts = 1;
  static constexpr int kBandWarps = 8;
  static constexpr int kMostColumns = 32;  // the sums of more would leave registers for one block only
  static constexpr int kRows = Rows, kColumns = 32;
  static constexpr int kSourceRows = Rows / 2 + 2, kSourceColumns = 18;
  static constexpr int kSourceScale = 2;
  static constexpr int kTaps = 16, kTapsY = 2, kTapsX = 2;
  static constexpr int kSteps = Rows / 2;
  __device__ __forceinline__ static int fragment(int warp) { return warp / 4; }
  __device__ __forceinline__ static int part(int) { return 0; }
  __device__ __forceinline__ static int tap(int warp, int ty, int tx) { return warp % 4 * 4 + 2 * ty + tx; }
  __device__ __forceinline__ static int source_pixel(int warp) { return warp % 4 / 2 * kSourceColumns + warp % 2; }
  __device__ __forceinline__ static int output_pixel(int warp) { return warp % 4 * 16 * kSteps; }
  __device__ __forceinline__ static int slot(int y, int x) {
    return (y % 2 * 2 + x % 2) * 16 * kSteps + y / 2 * 16 + x / 2;
  }
  __device__ __forceinline__ static int2 pixel_at(int slot) {
    const int phase = slot / (16 * kSteps);
    return make_int2(2 * (slot % 16) + phase % 2, 2 * (slot / 16 % kSteps) + phase / 2);
  }
};

/// Offsets in shared memory, in elements.
template <typename Tile, typename Band, int BN>
struct BandLayout {
  static constexpr int kSourcePitch = Tile::weight_pitch(Band::kInputs);
  static constexpr int kGradientPitch = Tile::weight_pitch(BN);
  static constexpr int kGradientPixels = Band::kRows * Band::kColumns;
  static constexpr int kGradientOffset = Band::kSourceRows * Band::kSourceColumns * kSourcePitch;
  static constexpr int kElements = (kGradientOffset + kGradientPixels * kGradientPitch + 15) / 16 * 16;
};

/// Copies a band's source pixels to shared memory; (y0, x0) is its first output pixel.
template <typename Tile, typename Band, int BN>
__device__ __forceinline__ void load_band_source(typename Tile::Element* shared,
                                                 const ImageSource<typename Tile::Element>& from, int y0, int x0,
                                                 int input) {
  using T = typename Tile::Element;
  using Layout = BandLayout<Tile, Band, BN>;
  using Copies = RowCopies<Band::kInputs / kVector<T>, Layout::kSourcePitch / kVector<T>, 32 * Band::kBandWarps>;
  constexpr int kPixels = Band::kSourceRows * Band::kSourceColumns;
  const Copies copies;
  const int first = copies.vector * kVector<T>;
  const int top = y0 / Band::kSourceScale - 1;
  const int left = x0 / Band::kSourceScale - 1;
  const auto place = [&](int pixel) {
    return from.place(top + pixel / Band::kSourceColumns, left + pixel % Band::kSourceColumns);
  };
  const auto to = [&](int pixel) { return shared + pixel * Layout::kSourcePitch + first; };
  if constexpr (kHoldsCopies<Tile>) {
    HeldRows<T, Copies, kPixels> held;
    held.load(copies, [&](int pixel) { return from.at(place(pixel), input + first); });
    held.store(copies, to);
  } else {
#pragma unroll(kCopiesAtOnce)
    for (int i = 0; i < Copies::most(kPixels); ++i)
      if (const int pixel = copies.at(i, kPixels); pixel >= 0) from.load(to(pixel), place(pixel), input + first);
  }
}

/// An output gradient without a pooled part: all of it is copied.
template <typename Tile, typename Band, int BN>
struct DenseGradient {
  using T = typename Tile::Element;
  using Layout = BandLayout<Tile, Band, BN>;
  using Copies = RowCopies<BN / kVector<T>, Layout::kGradientPitch / kVector<T>, 32 * Band::kBandWarps>;

  __device__ __forceinline__ void start(T* shared, const ImageSource<T>& from, int y0, int x0, int output) {
    const Copies copies;
    const int first = copies.vector * kVector<T>;
    const auto place = [&](int slot) {
      const int2 pixel = Band::pixel_at(slot);
      return from.place(y0 + pixel.y, x0 + pixel.x);
    };
    const auto to = [&](int slot) { return shared + Layout::kGradientOffset + slot * Layout::kGradientPitch + first; };
    if constexpr (kHoldsCopies<Tile>) {
      HeldRows<T, Copies, Layout::kGradientPixels> held;
      held.load(copies, [&](int slot) { return from.at(place(slot), output + first); });
      held.store(copies, to);
    } else {
#pragma unroll(kCopiesAtOnce)
      for (int i = 0; i < Copies::most(Layout::kGradientPixels); ++i)
        if (const int slot = copies.at(i, Layout::kGradientPixels); slot >= 0)
          from.load(to(slot), place(slot), output + first);
    }
  }
  __device__ __forceinline__ void finish(T*) {}
};

/// An output gradient with a pooled part: a thread has whole 2x2 windows of eight or four channels. The dense part is
/// copied; the pooled part waits in registers until the copies have arrived.
template <typename Tile, typename Band, int BN>
struct PooledGradient {
  using T = typename Tile::Element;
  using Layout = BandLayout<Tile, Band, BN>;
  static constexpr int kThreadsOfBand = 32 * Band::kBandWarps;
  static constexpr int kVectors = BN / kVector<T>;
  static constexpr int kWindows = Layout::kGradientPixels / 4 * kVectors;
  static constexpr int kHeld = (kWindows + kThreadsOfBand - 1) / kThreadsOfBand;
  Vector<T> pooled[kHeld];
  unsigned positions[kHeld];  // two bits per channel
  bool dense = false;

  /// Address of a pixel of window i in shared memory.
  __device__ __forceinline__ static T* place(T* shared, int i, int position) {
    const int y = 2 * (i / kVectors / (Band::kColumns / 2)) + position / 2;
    const int x = 2 * (i / kVectors % (Band::kColumns / 2)) + position % 2;
    return shared + Layout::kGradientOffset + Band::slot(y, x) * Layout::kGradientPitch + i % kVectors * kVector<T>;
  }
  __device__ __forceinline__ void start(T* shared, const OutputGradient<T>& from, int y0, int x0, int output) {
    const ImageSource<T> full{from.dense, from.height, from.width, from.channels};
    dense = from.dense != nullptr;
#pragma unroll
    for (int held = 0; held < kHeld; ++held) {
      const int i = static_cast<int>(threadIdx.x) + held * kThreadsOfBand;
      if (i >= kWindows) continue;
      const int y = y0 + 2 * (i / kVectors / (Band::kColumns / 2));
      const int x = x0 + 2 * (i / kVectors % (Band::kColumns / 2));
      const int channel = output + i % kVectors * kVector<T>;
      from.load_window(pooled[held], positions[held], y, x, channel);
      if (!dense) continue;
      load_window(shared, full, i, y, x, channel);
    }
  }
  /// The four pixels of window i in the dense part.
  __device__ __forceinline__ static void load_window(T* shared, const ImageSource<T>& full, int i, int y, int x,
                                                     int channel) {
    if constexpr (kHoldsCopies<Tile>) {
      uint4 values[4];
#pragma unroll
      for (int position = 0; position < 4; ++position)
        values[position] = full.at(full.place(y + position / 2, x + position % 2), channel);
#pragma unroll
      for (int position = 0; position < 4; ++position)
        *reinterpret_cast<uint4*>(place(shared, i, position)) = values[position];
    } else {
#pragma unroll
      for (int position = 0; position < 4; ++position)
        full.load(place(shared, i, position), full.place(y + position / 2, x + position % 2), channel);
    }
  }
  /// To be called once start()'s copies by this thread have arrived.
  __device__ __forceinline__ void finish(T* shared) {
#pragma unroll
    for (int held = 0; held < kHeld; ++held) {
      const int i = static_cast<int>(threadIdx.x) + held * kThreadsOfBand;
      if (i >= kWindows) continue;
#pragma unroll
      for (int position = 0; position < 4; ++position) {
        T* to = place(shared, i, position);
        Vector<T> value = dense ? load_vector(to) : zero_vector<T>();
        add_unpooled(value, pooled[held], positions[held], static_cast<unsigned>(position));
        store_vector(to, value);
      }
    }
  }
};

/// sums += source^T * output gradient for one band, all taps of the warp. Where fragments are small, a row of source
/// pixels is loaded once and kept for all taps that read it.
template <typename Tile, typename Band, int BN>
__device__ __forceinline__ void multiply_band(typename Tile::Accumulator (&sums)[Band::kTapsY * Band::kTapsX][BN / 16],
                                              const typename Tile::Element* shared) {
  using Layout = BandLayout<Tile, Band, BN>;
  constexpr int kLast = Band::kTapsY - 1;
  constexpr bool kKeepsRows = Tile::kRowsKept > 0;
  const int warp = static_cast<int>(threadIdx.x / 32);
  const auto* source = shared + Band::source_pixel(warp) * Layout::kSourcePitch + 16 * Band::fragment(warp);
  const auto* gradient = shared + Layout::kGradientOffset + Band::output_pixel(warp) * Layout::kGradientPitch;
#pragma unroll 1
  for (int pixel = 0; pixel < 16; pixel += Tile::kDepth) {
    typename Tile::ATransposed rows[kKeepsRows ? Band::kTapsY : 1][Band::kTapsX];
    const auto load = [&](int row, int tx) {
      Tile::load_a_transposed(rows[row % (kKeepsRows ? Band::kTapsY : 1)][tx],
                              source + (row * Band::kSourceColumns + tx + pixel) * Layout::kSourcePitch,
                              Layout::kSourcePitch);
    };
    if constexpr (kKeepsRows) {
#pragma unroll
      for (int row = 0; row < kLast; ++row)
#pragma unroll
        for (int tx = 0; tx < Band::kTapsX; ++tx) load(row, tx);
    }
#pragma unroll(kKeepsRows ? Band::kSteps : 1)
    for (int step = 0; step < Band::kSteps; ++step) {
      typename Tile::B b[BN / 16];
#pragma unroll
      for (int n = 0; n < BN / 16; ++n)
        Tile::load_b(b[n], gradient + (16 * step + pixel) * Layout::kGradientPitch + 16 * n, Layout::kGradientPitch);
#pragma unroll
      for (int ty = 0; ty < Band::kTapsY; ++ty)
#pragma unroll
        for (int tx = 0; tx < Band::kTapsX; ++tx) {
          if (Tile::kHoldsLoadsBack && ty + tx > 0) __syncwarp();
          if (!kKeepsRows || ty == kLast) load(step + ty, tx);
          const auto& a = rows[kKeepsRows ? (step + ty) % Band::kTapsY : 0][tx];
#pragma unroll
          for (int n = 0; n < BN / 16; ++n) Tile::multiply(sums[ty * Band::kTapsX + tx][n], a, b[n]);
        }
    }
  }
}

/// The bias gradient's share of a band: every thread sums one column over the pixels first, first + step, ….
template <typename Tile, typename Band, int BN>
__device__ __forceinline__ float sum_column(const typename Tile::Element* shared) {
  using Layout = BandLayout<Tile, Band, BN>;
  constexpr int kLanes = 32 * Band::kBandWarps / BN;  // threads per column
  const int column = static_cast<int>(threadIdx.x) % BN;
  const int first = static_cast<int>(threadIdx.x) / BN;
  float sum = 0;
  if (first < kLanes)
    for (int pixel = first; pixel < Layout::kGradientPixels; pixel += kLanes)
      sum += to_float(shared[Layout::kGradientOffset + pixel * Layout::kGradientPitch + column]);
  return sum;
}

}  // namespace n2s::device
