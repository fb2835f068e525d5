// What fills a block's shared memory: which 16-byte vectors a thread copies, and the images that they come from. The
// matrix products wait for the instructions of these copies more than for memory, so whatever stays the same from one
// chunk of channels to the next is computed once per block.
#pragma once

#include "kernels/device/async_copy.h"
#include "kernels/device/element.h"

namespace n2s::device {

/// The share of one thread in copying rows of 16-byte vectors: always the same vector, of the rows `row`, row + kStep,
/// and so on. All its addresses but the first are then constants away from it, and no index needs a division.
///
/// Eight threads write at a time. They use 32 different banks where they have one vector each of eight rows that lie an
/// odd number of vectors apart (Pitch), two each of four rows if that number is even but no multiple of four, and
/// eight along the rows if these are contiguous.
template <int Vectors, int Pitch, int Threads>
struct RowCopies {
  static constexpr int rows_of_eight() {
    if (Pitch % 2 != 0) return 8;
    return Pitch % 4 != 0 && Pitch != Vectors && Vectors % 8 != 0 && Threads % (4 * Vectors) == 0 ? 4 : 1;
  }
  static constexpr int kRows = rows_of_eight();
  static constexpr int kStep = Threads / (kRows * Vectors) * kRows;
  static_assert(kStep > 0);
  int row, vector;

  __device__ __forceinline__ RowCopies()
      : row(thread() / (kRows * Vectors) * kRows + thread() % kRows),
        vector(kRows == 1 ? thread() % Vectors : thread() % (kRows * Vectors) / kRows) {}

  /// Rows of a thread at most.
  static constexpr int most(int rows) { return (rows + kStep - 1) / kStep; }
  /// The thread's i-th row of `rows`, or -1. Threads for which no whole group of rows is left have none.
  __device__ __forceinline__ int at(int i, int rows) const {
    const int found = row + i * kStep;
    return row < kStep && ((i + 1) * kStep <= rows || found < rows) ? found : -1;
  }
  /// The same, but some row where the thread has none: a load of it needs no branch, which would part it from the
  /// others.
  __device__ __forceinline__ int near(int i, int rows) const {
    const int found = (row < kStep ? row : 0) + i * kStep;
    return (i + 1) * kStep <= rows || found < rows ? found : 0;
  }

 private:
  __device__ __forceinline__ static int thread() { return static_cast<int>(threadIdx.x); }
};

/// The vectors Begin to End - 1 that a thread copies of `Rows` rows, in its registers: all are loaded before the first
/// is stored, so that they wait for memory together. For copies that are not asynchronous.
template <typename T, typename Copies, int Rows, int Begin = 0, int End = Copies::most(Rows)>
struct HeldRows {
  uint4 vectors[End > Begin ? End - Begin : 1];  // not of elements: each of those would take a register

  /// read(row) are the 16 bytes at its place in the row.
  template <typename Read>
  __device__ __forceinline__ void load(const Copies& copies, const Read& read) {
#pragma unroll
    for (int i = Begin; i < End; ++i) vectors[i - Begin] = read(copies.near(i, Rows));
  }
  /// place(row) is where it goes.
  template <typename Place>
  __device__ __forceinline__ void store(const Copies& copies, const Place& place) const {
#pragma unroll
    for (int i = Begin; i < End; ++i)
      if (const int row = copies.at(i, Rows); row >= 0) *reinterpret_cast<uint4*>(place(row)) = vectors[i - Begin];
  }
};

/// Asynchronous copies whose addresses a thread computes at once: more would take registers that the sums need.
inline constexpr int kCopiesAtOnce = 3;

/// Whether a tile's copies go through registers: where the device has no asynchronous ones. Tiles of two stages are for
/// devices that do; the emulation runs one path with each kind of tile.
template <typename Tile>
inline constexpr bool kHoldsCopies = Tile::kStages == 1 && !kCopiesAreAsynchronous;

/// One NHWC image as a source, zero outside.
template <typename T>
struct ImageSource {
  const T* image = nullptr;                 // of this batch element
  int height = 0, width = 0, channels = 0;  // channels as stored
  static constexpr bool kAsynchronous = true;

  using Place = int;  // the pixel's first vector, -1: outside
  __device__ __forceinline__ Place place(int y, int x) const {
    const bool inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? (y * width + x) * (channels / kVector<T>) : -1;
  }
  __device__ __forceinline__ void load(T* to, Place place, int channel) const {
    const bool inside = place >= 0 && channel < channels;
    copy_async(to, image + (inside ? static_cast<std::size_t>(place) * kVector<T> + channel : 0), inside);
  }
  __device__ __forceinline__ uint4 at(Place place, int channel) const {
    const bool inside = place >= 0 && channel < channels;
    const uint4 v =
        *reinterpret_cast<const uint4*>(image + (inside ? static_cast<std::size_t>(place) * kVector<T> + channel : 0));
    return make_uint4(inside ? v.x : 0, inside ? v.y : 0, inside ? v.z : 0, inside ? v.w : 0);
  }
};

}  // namespace n2s::device
