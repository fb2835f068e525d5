// The levels of stacks for a network: extreme values are replaced, then a map is fitted to what is left.
#pragma once

#include <string>
#include <vector>

#include "data/extreme_values.h"
#include "data/normalisation.h"

namespace n2s {

/// "range" and "none" leave extreme values as they are, but for NaN: these are the paper's statistics, and none.
bool is_robust(const std::string& kind);

/// Statistics of restoring and training: background and saturation are left out where the kind is robust.
NormalisationOptions robust_options(const std::string& kind);

/// One map for all of the stacks. Replaces NaN, hot pixels and saturated regions in them, one entry of `replaced` for
/// each stack; the voxels stay in the file's units. Throws Error as fit_normalisation() does.
Normalisation fit_levels(const std::vector<Stack*>& stacks, const std::string& kind,
                         std::vector<ExtremeValues>& replaced, const OrderStatistics& find = order_statistics);

/// The voxel values that a network is given; infinite where the kind is not robust.
struct VoxelLimits {
  double low = 0, high = 0;
};
VoxelLimits limits_of(const Normalisation& normalisation);

/// What replaces extreme values in planes of a stack that is read piece by piece.
struct StreamLevels {
  BulkLevels bulk;  // of a sample of the stack: hot pixels are far from it, and its centre stands for NaN
  Normalisation normalisation;
};

/// Replaces NaN and hot pixels in planes, before the map is fitted to all of them.
void replace_before_fit(Stack& planes, const std::string& kind, const BulkLevels& bulk, ExtremeValues& replaced);

/// Replaces all extreme values in planes.
ExtremeValues replace_extremes(Stack& planes, const StreamLevels& levels);

/// Replaces extreme values of a stack whose map is given.
ExtremeValues replace_extremes(Stack& stack, const Normalisation& normalisation,
                               const OrderStatistics& find = order_statistics);

/// "percentile: 512 to 1890, without the background 0; 12 hot pixels replaced, ...": one line for the user.
std::string describe_levels(const Normalisation& normalisation, const ExtremeValues& replaced, std::size_t voxels);

}  // namespace n2s
