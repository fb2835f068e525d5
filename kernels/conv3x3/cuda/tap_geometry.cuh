// Which pixels of a shared-memory tile a warp multiplies for each tap. The four forms of the convolution differ in
// nothing else: the same loop over taps runs them all.
//
// A fragment is 16 output pixels side by side. For output row m of the warp and tap (ty, tx) they read the 16 tile
// pixels that begin at row `row_origin + m * kRowStep + ty`, column `column(tx)`. Where the outputs are two source
// pixels apart, the tile stores even columns first, then odd ones (kSplit): the 16 are then neighbours again.
#pragma once

#include <cuda_runtime.h>

namespace n2s::device {

inline constexpr int kWarps = 4;  // of a block
inline constexpr int kThreads = 32 * kWarps;

/// The nine taps at full resolution: a block computes 16 x 16 pixels, a warp four rows of them.
struct PlainTaps {
  static constexpr int kWarpRows = 4;                      // fragments of a warp
  static constexpr int kTileRows = 18, kTileColumns = 18;  // source pixels
  static constexpr bool kSplit = false;
  static constexpr int kTapsY = 3, kTapsX = 3;  // of a warp
  static constexpr int kTaps = 9;               // in the weights
  static constexpr int kRowStep = 1;
  __host__ __device__ static constexpr int row_origin(int warp) { return 4 * warp; }
  __host__ __device__ static constexpr int column(int, int tx) { return tx; }
  __host__ __device__ static constexpr int tap(int, int ty, int tx) { return 3 * ty + tx; }
};

/// The upsampled source of the four-phase form: a block computes 8 x 32 pixels from 4 x 16 low ones. A warp has one
/// phase, the pixels (2 i + py, 2 j + px): of a window of three upsampled pixels two are always the same, so that two
/// taps are left of three, with their own weights in each phase.
struct PhaseLowTaps {
  static constexpr int kWarpRows = 4;
  static constexpr int kTileRows = 6, kTileColumns = 18;
  static constexpr bool kSplit = false;
  static constexpr int kTapsY = 2, kTapsX = 2;
  static constexpr int kTaps = 16;
  static constexpr int kRowStep = 1;
  __host__ __device__ static constexpr int row_origin(int warp) { return warp / 2; }
  __host__ __device__ static constexpr int column(int warp, int tx) { return warp % 2 + tx; }
  __host__ __device__ static constexpr int tap(int warp, int ty, int tx) { return 4 * warp + 2 * ty + tx; }
};

/// The skip source beside it: nine taps, for pixels of one phase.
struct PhaseSkipTaps {
  static constexpr int kWarpRows = 4;
  static constexpr int kTileRows = 10, kTileColumns = 34;
  static constexpr bool kSplit = true;
  static constexpr int kTapsY = 3, kTapsX = 3;
  static constexpr int kTaps = 9;
  static constexpr int kRowStep = 2;
  __host__ __device__ static constexpr int row_origin(int warp) { return warp / 2; }
  __host__ __device__ static constexpr int column(int warp, int tx) {
    return (warp % 2 + tx) % 2 * (kTileColumns / 2) + (warp % 2 + tx) / 2;
  }
  __host__ __device__ static constexpr int tap(int, int ty, int tx) { return 3 * ty + tx; }
};

/// The gradient of upsampling and convolution together: 8 x 16 low pixels, each from 4 x 4 pixels of the output
/// gradient.
struct DownTaps {
  static constexpr int kWarpRows = 2;
  static constexpr int kTileRows = 18, kTileColumns = 34;
  static constexpr bool kSplit = true;
  static constexpr int kTapsY = 4, kTapsX = 4;
  static constexpr int kTaps = 16;
  static constexpr int kRowStep = 2;
  __host__ __device__ static constexpr int row_origin(int warp) { return 4 * warp; }
  __host__ __device__ static constexpr int column(int, int tx) { return tx % 2 * (kTileColumns / 2) + tx / 2; }
  __host__ __device__ static constexpr int tap(int, int ty, int tx) { return 4 * ty + tx; }
};

/// Column of the tile that is stored at this place of a row in shared memory.
template <typename Taps>
__device__ __forceinline__ int tile_column(int place) {
  constexpr int kEven = Taps::kTileColumns / 2;
  if constexpr (Taps::kSplit) return 2 * (place % kEven) + place / kEven;
  return place;
}

}  // namespace n2s::device
