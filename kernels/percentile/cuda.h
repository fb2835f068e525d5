// Exact percentiles on a GPU: radix selection of the values that percentile.h interpolates between, without sorting.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>
#include <vector>

namespace n2s::device {

inline constexpr int kMostRanks = 16;

/// Bytes of device memory for the counts of `ranks` searches at once.
std::size_t order_statistics_scratch_bytes(int ranks);

/// found[i] = the value that would be at ranks[i], counted from 0, if the values were sorted. -0 counts as 0;
/// infinities have their place, NaNs theirs beyond these. `values` and `found` are device memory, `ranks` is the
/// host's: at most kMostRanks, each below `count`. Throws Error for other ranks.
void order_statistics(const float* values, std::size_t count, std::span<const std::size_t> ranks, float* found,
                      void* scratch, cudaStream_t stream);

}  // namespace n2s::device
