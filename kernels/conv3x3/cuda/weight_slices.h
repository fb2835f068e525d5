// Into how many slices the pixels of a weight gradient are split: each is a block's work, for every tile of channels.
#pragma once

#include <algorithm>

namespace n2s::device {

/// `patches` of pixels, `tiles` of channels, and `slots` blocks that the device runs at once. Blocks beyond those wait
/// for a whole wave, and every slice costs its start, its partial sums and their reduction, so that the fewest slices
/// that fill whole waves are best. The same on every device of a kind: sums are then rounded alike.
inline int weight_slices(int patches, int tiles, int slots) {
  constexpr double kSliceCost = 3;         // in patches: filling the pipeline, storing the sums
  constexpr double kReductionCost = 0.05;  // of the second pass, for each slice
  const int most = std::min(patches, std::max(1, 2 * slots / tiles));
  int best = 1;
  double least = 0;
  for (int slices = 1; slices <= most; ++slices) {
    const int waves = (tiles * slices + slots - 1) / slots;
    const int patches_each = (patches + slices - 1) / slices;
    const double cost = waves * (patches_each + kSliceCost) + slices * kReductionCost;
    if (slices > 1 && cost >= least) continue;
    best = slices;
    least = cost;
  }
  return best;
}

}  // namespace n2s::device
