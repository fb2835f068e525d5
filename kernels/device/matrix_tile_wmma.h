// A warp's 16x16 matrix tile on tensor cores through CUDA's wmma: fp16 in, fp32 sums, from Volta (sm_70) on.
#pragma once

#include <cuda_fp16.h>
#include <mma.h>

namespace n2s::device {

/// accumulator (16x16) += a (16x16) * b (16x16). See SimtTile for what the functions read.
struct WmmaTile {
  using Element = __half;
  static constexpr int kDepth = 16;
  static constexpr int kChunk = 16;
  static constexpr int kStages = 1;
  static constexpr int kBlocks = 3;          // of four warps per multiprocessor: bounds the registers
  static constexpr bool kKeepsRows = false;  // a fragment takes 8 registers on Volta
  /// __syncwarp between products keeps the compiler from loading all fragments before the first one, which would spill.
  static constexpr bool kHoldsLoadsBack = true;

  using A = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::row_major>;
  using ATransposed = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::col_major>;
  using B = nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::row_major>;
  using Accumulator = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;

  /// wmma wants every tile aligned to 32 bytes; an odd number of these keeps bank conflicts at two.
  static constexpr int odd_pitch(int elements) { return (elements / 16 | 1) * 16; }
  static constexpr int source_pitch(int channels) { return odd_pitch(channels); }
  static constexpr int weight_pitch(int columns) { return odd_pitch(columns); }

  __device__ __forceinline__ static void clear(Accumulator& c) { nvcuda::wmma::fill_fragment(c, 0.0F); }
  __device__ __forceinline__ static void load_a(A& a, const __half* from, int pitch) {
    nvcuda::wmma::load_matrix_sync(a, from, static_cast<unsigned>(pitch));
  }
  __device__ __forceinline__ static void load_a_transposed(ATransposed& a, const __half* from, int pitch) {
    nvcuda::wmma::load_matrix_sync(a, from, static_cast<unsigned>(pitch));
  }
  __device__ __forceinline__ static void load_b(B& b, const __half* from, int pitch) {
    nvcuda::wmma::load_matrix_sync(b, from, static_cast<unsigned>(pitch));
  }
  template <typename AnyA>
  __device__ __forceinline__ static void multiply(Accumulator& c, const AnyA& a, const B& b) {
    nvcuda::wmma::mma_sync(c, a, b, c);
  }
  __device__ __forceinline__ static void store(float* to, const Accumulator& c, int pitch) {
    nvcuda::wmma::store_matrix_sync(to, c, static_cast<unsigned>(pitch), nvcuda::wmma::mem_row_major);
  }
};

}  // namespace n2s::device
