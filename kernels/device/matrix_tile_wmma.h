// A warp's 16x16 matrix tile on tensor cores through wmma: fp16 in, fp32 sums, from Volta (sm_70) on.
#pragma once

#include "kernels/device/wmma.h"

namespace n2s::device {

/// accumulator (16x16) += a (16x16) * b (16x16). See SimtTile for what the functions read.
struct WmmaTile {
  using Element = __half;
  static constexpr int kDepth = 16;
  static constexpr int kChunk = 16;
  static constexpr int kStages = 1;
  static constexpr int kBlocks = 3;  // of four warps per multiprocessor: bounds the registers
  static constexpr int kStagedPitch = 24;
  static constexpr int kRowsKept = 0;  // a fragment takes 8 registers on Volta
  /// __syncwarp between products keeps the compiler from loading all fragments before the first one, which would spill.
  static constexpr bool kHoldsLoadsBack = true;

  using A = WmmaA;
  using ATransposed = WmmaATransposed;
  using B = WmmaB;
  using Accumulator = WmmaSums;

  /// wmma wants every tile aligned to 32 bytes; an odd number of these keeps bank conflicts at two.
  static constexpr int odd_pitch(int elements) { return (elements / 16 | 1) * 16; }
  static constexpr int source_pitch(int channels) { return odd_pitch(channels); }
  static constexpr int weight_pitch(int columns) { return odd_pitch(columns); }

  __device__ __forceinline__ static void clear(Accumulator& c) { device::clear(c); }
  __device__ __forceinline__ static void load_a(A& a, const __half* from, int pitch) { load_shared(a, from, pitch); }
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const __half* from, int pitch) {
    load_shared(a, from, pitch);
  }
  __device__ __forceinline__ static void load_b(B& b, const __half* from, int pitch) { load_shared(b, from, pitch); }
  template <typename AnyA>
  __device__ __forceinline__ static void multiply(Accumulator& c, const AnyA& a, const B& b) {
    device::multiply(c, a, b);
  }
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
    device::store(to, c, pitch);
  }
};

}  // namespace n2s::device
