// A warp's 16x16 matrix tile on the tensor cores of sm_80 and up: mma.sync in fp16, bf16 and tf32. Unlike with
// wmma, the lane of each element is known, so fragments take half the registers, need no 32-byte alignment and load
// without bank conflicts; rows of the source stay in registers while the taps move over them.
#pragma once

#include "kernels/device/warp_matrix.h"

namespace n2s::device {

/// accumulator (16x16) += a (16x16) * b (16x16), T = __half or __nv_bfloat16. See SimtTile for what the functions read.
template <typename T>
struct MmaTile {
  using Element = T;
  static constexpr int kDepth = 16;
  static constexpr int kChunk = 16;
  static constexpr int kStages = 2;
  static constexpr int kBlocks = 3;
  static constexpr int kStagedPitch = 24;
  static constexpr int kRowsKept = 9;
  static constexpr bool kHoldsLoadsBack = false;

  struct A {
    std::uint32_t words[4];
  };
  using ATransposed = A;
  struct B {
    std::uint32_t words[4];  // two for columns 0 to 7, two for 8 to 15
  };
  struct Accumulator {
    float v[2][4];
  };

  /// An odd number of 16-byte vectors: eight rows then lie in different banks.
  static constexpr int odd_pitch(int elements) { return (elements / 8 | 1) * 8; }
  static constexpr int source_pitch(int channels) { return odd_pitch(channels); }
  static constexpr int weight_pitch(int columns) { return odd_pitch(columns); }

  __device__ __forceinline__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  __device__ __forceinline__ static void clear(Accumulator& c) {
#pragma unroll
    for (int i = 0; i < 4; ++i) c.v[0][i] = c.v[1][i] = 0;
  }
  __device__ __forceinline__ static void load_a(A& a, const T* from, int pitch) {
    load_matrices<false>(a.words, from + lane() % 16 * pitch + lane() / 16 * 8);
  }
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const T* from, int pitch) {
    load_matrices<true>(a.words, from + (lane() / 16 * 8 + lane() % 8) * pitch + lane() / 8 % 2 * 8);
  }
  __device__ __forceinline__ static void load_b(B& b, const T* from, int pitch) {
    load_matrices<true>(b.words, from + lane() % 16 * pitch + lane() / 16 * 8);
  }
  __device__ __forceinline__ static void multiply(Accumulator& c, const A& a, const B& b) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::uint32_t right[2] = {b.words[2 * half], b.words[2 * half + 1]};
      multiply_16_8_16<T>(c.v[half], a.words, right);
    }
  }
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
    const int row = lane() / 4;
    const int column = 2 * (lane() % 4);
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int i = 0; i < 2; ++i)
        *reinterpret_cast<float2*>(to + (row + 8 * i) * pitch + 8 * half + column) =
            make_float2(c.v[half][2 * i], c.v[half][2 * i + 1]);
  }
};

/// The same on fp32 data, rounded to tf32 as it is loaded: accumulator (16x16) += a (16x8) * b (8x16).
struct Tf32Tile {
  using Element = float;
  static constexpr int kDepth = 8;
  static constexpr int kChunk = 8;
  static constexpr int kStages = 2;
  static constexpr int kBlocks = 3;
  static constexpr int kStagedPitch = 24;
  static constexpr int kRowsKept = 9;
  static constexpr bool kHoldsLoadsBack = false;

  struct A {
    float v[4];
  };
  using ATransposed = A;
  struct B {
    float v[2][2];  // half of the columns, half of the depth
  };
  using Accumulator = MmaTile<__half>::Accumulator;

  /// Rows 4 (mod 8) words apart: a fragment's 8 rows of 4 words lie in 32 different banks.
  static constexpr int source_pitch(int channels) { return channels / 8 * 8 + 4; }
  /// Rows 8 (mod 16) words apart: the same for 4 rows of 8 words.
  static constexpr int weight_pitch(int columns) { return columns / 16 * 16 + 8; }

  __device__ __forceinline__ static int lane() { return static_cast<int>(threadIdx.x % 32); }

  __device__ __forceinline__ static void clear(Accumulator& c) { MmaTile<__half>::clear(c); }
  __device__ __forceinline__ static void load_a(A& a, const float* from, int pitch) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      a.v[i] = round_to_tf32(from[(lane() / 4 + 8 * (i % 2)) * pitch + lane() % 4 + 4 * (i / 2)]);
  }
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const float* from, int pitch) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      a.v[i] = round_to_tf32(from[(lane() % 4 + 4 * (i / 2)) * pitch + lane() / 4 + 8 * (i % 2)]);
  }
  __device__ __forceinline__ static void load_b(B& b, const float* from, int pitch) {
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int i = 0; i < 2; ++i)
        b.v[half][i] = round_to_tf32(from[(lane() % 4 + 4 * i) * pitch + 8 * half + lane() / 4]);
  }
  __device__ __forceinline__ static void multiply(Accumulator& c, const A& a, const B& b) {
#pragma unroll
    for (int half = 0; half < 2; ++half) multiply_16_8_8(c.v[half], a.v, b.v[half]);
  }
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
    MmaTile<__half>::store(to, c, pitch);
  }
};

}  // namespace n2s::device
