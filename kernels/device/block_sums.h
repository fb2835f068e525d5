// Reduction over the threads of a block, in fixed order: the same result from run to run.
#pragma once

#include "kernels/device/grid.h"

namespace n2s::device {

/// Shared memory for the reduction of `terms` values per thread.
inline constexpr std::size_t block_sums_bytes(int terms) {
  return static_cast<std::size_t>(terms) * kGridThreads * sizeof(double);
}

/// Reduces each term over the kGridThreads threads of the block; thread 0 has the results. `shared` has
/// block_sums_bytes(kTerms) and must not be in use; it may be used again after a barrier.
template <int kTerms>
__device__ void block_sums(double* shared, double (&terms)[kTerms]) {
  for (int t = 0; t < kTerms; ++t) shared[t * kGridThreads + threadIdx.x] = terms[t];
  __syncthreads();
  for (unsigned half = kGridThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half)
      for (int t = 0; t < kTerms; ++t)
        shared[t * kGridThreads + threadIdx.x] += shared[t * kGridThreads + threadIdx.x + half];
    __syncthreads();
  }
  for (int t = 0; t < kTerms; ++t) terms[t] = shared[t * kGridThreads];
}

}  // namespace n2s::device
