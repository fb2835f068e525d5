// A warp's 16x16 matrix tile in fp32 multiply-adds, for any GPU. Same interface as the tensor-core tiles.
#pragma once

#include <cuda_runtime.h>

namespace n2s::device {

/// accumulator (16x16) += a (16 x kDepth) * b (kDepth x 16). Lane l holds rows l / 8 + 4 i and columns 2 (l % 8) + j:
/// an instruction's four rows then lie in different banks, and its sixteen columns side by side.
struct SimtTile {
  using Element = float;
  static constexpr int kDepth = 4;
  static constexpr int kChunk = 8;         // channels in shared memory at a time: three blocks fit on a Volta
  static constexpr int kStages = 1;        // of shared memory: no asynchronous copies
  static constexpr int kBlocks = 2;        // of four warps per multiprocessor: bounds the registers
  static constexpr int kStagedPitch = 24;  // floats from one row of stored sums to the next: 8 more spread the banks
  /// Fragments of the source that a warp keeps for all taps that read them, where so many do. None here: they are
  /// large.
  static constexpr int kRowsKept = 0;
  /// Whether fragments are loaded late, where registers would be short if the compiler loaded all of them first.
  static constexpr bool kHoldsLoadsBack = false;

  struct A {
    float v[4][4];  // row, k
  };
  using ATransposed = A;
  struct B {
    float v[4][2];  // k, column
  };
  struct Accumulator {
    float v[4][2];  // row, column
  };

  /// Elements from one row of a source tile in shared memory to the next, and of a weight tile.
  static constexpr int source_pitch(int channels) { return channels + 4; }
  static constexpr int weight_pitch(int columns) { return columns; }

  __device__ __forceinline__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ __forceinline__ static int row(int i) { return lane() / 8 + 4 * i; }
  __device__ __forceinline__ static int column() { return 2 * (lane() % 8); }

  __device__ __forceinline__ static void clear(Accumulator& c) {
#pragma unroll
    for (int i = 0; i < 4; ++i) c.v[i][0] = c.v[i][1] = 0;
  }
  /// from[row * pitch + k]
  __device__ __forceinline__ static void load_a(A& a, const float* from, int pitch) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float4 four = *reinterpret_cast<const float4*>(from + row(i) * pitch);
      a.v[i][0] = four.x;
      a.v[i][1] = four.y;
      a.v[i][2] = four.z;
      a.v[i][3] = four.w;
    }
  }
  /// from[k * pitch + row]
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const float* from, int pitch) {
#pragma unroll
    for (int k = 0; k < kDepth; ++k)
#pragma unroll
      for (int i = 0; i < 4; ++i) a.v[i][k] = from[k * pitch + row(i)];
  }
  /// from[k * pitch + column]
  __device__ __forceinline__ static void load_b(B& b, const float* from, int pitch) {
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const float2 two = *reinterpret_cast<const float2*>(from + k * pitch + column());
      b.v[k][0] = two.x;
      b.v[k][1] = two.y;
    }
  }
  __device__ __forceinline__ static void multiply(Accumulator& c, const A& a, const B& b) {
#pragma unroll
    for (int k = 0; k < kDepth; ++k)
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 2; ++j) c.v[i][j] = fmaf(a.v[i][k], b.v[k][j], c.v[i][j]);
  }
  /// to[row * pitch + column]
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      *reinterpret_cast<float2*>(to + row(i) * pitch + column()) = make_float2(c.v[i][0], c.v[i][1]);
  }
};

}  // namespace n2s::device
