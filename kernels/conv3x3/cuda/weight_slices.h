// How the work of a weight gradient is divided among blocks: its pixels into slices, its input channels into tiles.
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

/// Input channels that blocks of 32 compute, and those that are left for blocks of 16.
struct InputTiles {
  int wide = 0, narrow = 0;
};

/// Blocks of 16 make half as many products for channels that are 16 or fewer beyond a multiple of 32. Beside other
/// blocks they take two launches more, which is worth it where there are several patches for each of the `slots`.
inline InputTiles input_tiles(int channels, int patches, int slots) {
  constexpr int kWorthwhile = 4;
  const int rest = channels % 32;
  const bool is_narrow = rest > 0 && rest <= 16 && (channels < 32 || patches >= kWorthwhile * slots);
  return is_narrow ? InputTiles{channels - rest, rest} : InputTiles{channels, 0};
}

}  // namespace n2s::device
