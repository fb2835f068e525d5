// Collaborative filtering of one group of blocks on the CPU.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/bm3d/stage.h"

namespace n2s {

/// A group's blocks: positions of their first pixels in the planes.
struct BlockGroup {
  const std::ptrdiff_t* offsets;
  int count;  // a power of two
};

/// The sums of a strip of rows.
struct Bm3dStrip {
  int first_row = 0, rows = 0;
  std::ptrdiff_t stride = 0;  // of both
  std::vector<std::int64_t> weights, values;
};

using AlignedFloats = hwy::AlignedFreeUniquePtr<float[]>;

/// What the groups of a strip are filtered with, prepared once per strip; `guide` is the first estimate in the Wiener
/// stage. The strip's rows have the same stride as the planes.
struct GroupFilter {
  const Bm3dStageSetup& setup;
  PlaneView noisy, guide;
  AlignedFloats columns_forward, columns_inverse;  // transposed matrices
  AlignedFloats blocks, guides, scratch;
};

GroupFilter group_filter(const Bm3dStageSetup& setup, const PlaneView& noisy, const PlaneView& guide);

/// Filters a group and adds its blocks to the strip.
void filter_group(GroupFilter& filter, const BlockGroup& group, Bm3dStrip& strip);

}  // namespace n2s
