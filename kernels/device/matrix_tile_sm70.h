// A warp's 16x16 matrix tile on Volta's tensor cores through their own instruction. Unlike with wmma, the lane of each
// element is known: fragments load without bank conflicts in half the wavefronts, and rows of the source stay in
// registers while the taps move over them.
#pragma once

#include "kernels/device/quad_pair_matrix.h"

namespace n2s::device {

/// accumulator (16x16) += a (16x8) * b (8x16), fp16 in, fp32 sums. Of the four quad pairs two have rows 0 to 3 and 8 to
/// 11, two the others, so that the sums are stored without bank conflicts; one of each two has columns 0 to 7. See
/// SimtTile for what the functions read.
struct Sm70Tile {
  using Element = __half;
  static constexpr int kDepth = 8;
  static constexpr int kChunk = 16;
  static constexpr int kStages = 1;
  static constexpr int kBlocks = 3;
  static constexpr int kStagedPitch = 20;
  static constexpr int kRowsKept = 6;
  static constexpr bool kHoldsLoadsBack = true;  // each row is loaded where it is needed first

  struct A {
    std::uint32_t words[4];  // eight of a row
  };
  struct ATransposed {
    std::uint32_t words[4];  // four of column lane % 4, and four of the column that is four further
  };
  struct B {
    std::uint32_t words[4];  // the same of rows
  };
  struct Accumulator {
    float v[8];
  };

  /// An odd number of 32 bytes: eight lanes that read 16 bytes, or sixteen that read 8, then find them in different
  /// banks.
  static constexpr int odd_pitch(int elements) { return (elements / 16 | 1) * 16; }
  static constexpr int source_pitch(int channels) { return odd_pitch(channels); }
  static constexpr int weight_pitch(int columns) { return odd_pitch(columns); }

  __device__ __forceinline__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  /// The first of the four rows, or columns, of the tile that the lane holds factors for.
  __device__ __forceinline__ static int first_row() { return lane() / 8 % 2 * 4 + lane() / 16 * 8; }
  __device__ __forceinline__ static int first_column() { return lane() / 4 % 2 * 8 + lane() / 16 * 4; }

  __device__ __forceinline__ static void clear(Accumulator& c) {
#pragma unroll
    for (float& value : c.v) value = 0;
  }
  __device__ __forceinline__ static void load_a(A& a, const __half* from, int pitch) {
    load_shared(a.words, from + (first_row() + lane() % 4) * pitch);
  }
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const __half* from, int pitch) {
    load_two(a.words, from + lane() % 4 * pitch + first_row(), pitch);
  }
  __device__ __forceinline__ static void load_b(B& b, const __half* from, int pitch) {
    load_two(b.words, from + lane() % 4 * pitch + first_column(), pitch);
  }
  __device__ __forceinline__ static void multiply(Accumulator& c, const A& a, const B& b) {
    multiply<LeftFactor::by_rows>(c, a.words, b.words);
  }
  __device__ __forceinline__ static void multiply(Accumulator& c, const ATransposed& a, const B& b) {
    multiply<LeftFactor::by_columns>(c, a.words, b.words);
  }
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
    const int row = first_row() + lane() % 2;
    const int column = lane() / 4 % 2 * 8 + lane() / 2 % 2 * 2;
#pragma unroll
    for (int i = 0; i < 8; i += 2)
      *reinterpret_cast<float2*>(to + (row + i % 4) * pitch + column + i / 4 * 4) = make_float2(c.v[i], c.v[i + 1]);
  }

 private:
  __device__ __forceinline__ static void load_two(std::uint32_t (&words)[4], const __half* from, int pitch) {
    load_shared(words[0], words[1], from);
    load_shared(words[2], words[3], from + 4 * pitch);
  }
  template <LeftFactor Left>
  __device__ __forceinline__ static void multiply(Accumulator& c, const std::uint32_t (&a)[4],
                                                  const std::uint32_t (&b)[4]) {
#pragma unroll
    for (int k = 0; k < 4; k += 2) {
      const std::uint32_t left[2] = {a[k], a[k + 1]};
      const std::uint32_t right[2] = {b[k], b[k + 1]};
      multiply_8_8_4<Left>(c.v, left, right);
    }
  }
};

}  // namespace n2s::device
