// Block matching on a GPU: the groups of block_matching.h, block for block.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/block_matching/block_matching.h"

namespace n2s::device {

/// Rows [first_row, first_row + rows) of the reference blocks of a plane. All pointers are device memory; `counts` and
/// `members` are as in BlockGroups, row after row.
struct DeviceBlockMatching {
  PlaneView plane;
  BlockSearch search;
  const Shift* order = nullptr;  // search_order(search.reach)
  int first_row = 0, rows = 0;
  int* counts = nullptr;
  std::uint16_t* members = nullptr;
};
/// Throws Error.
void match_blocks(const DeviceBlockMatching& problem, cudaStream_t stream);

}  // namespace n2s::device
