// Voxels that would rule statistics and loss although they carry no signal, or none that a network can represent: NaN,
// hot and dead pixels, saturated regions. The network sees moderate values in their place.
#pragma once

#include <cstddef>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"

namespace n2s {

struct VoxelValue {
  std::size_t index = 0;  // into Stack::voxels
  float value = 0;        // in the file's units
};

/// What was replaced in a stack.
struct ExtremeValues {
  std::size_t isolated = 0;         // hot or dead pixels: the result has what the network makes of their surroundings
  std::vector<VoxelValue> medians;  // what the network is given in their place
  std::size_t not_finite = 0;       // NaN or infinite
  std::size_t limited = 0;          // saturated or extreme
  std::vector<VoxelValue> kept;     // both of these: the result has their values, as the network cannot restore them
};

/// NaN and infinite voxels become the median of the others. Throws Error where there are no others.
void replace_non_finite(Stack& stack, ExtremeValues& replaced);

/// Hot and dead pixels become the median of their eight neighbours. A voxel is one if it differs from that median by
/// more than six spreads, and no more than one of the eight differs from `centre` by a quarter as much: lines, spots
/// as wide as a microscope's resolution and saturated regions stay.
void replace_isolated(Stack& stack, const BulkLevels& bulk, ExtremeValues& replaced);

/// Voxels outside [low, high] become the nearer limit.
void limit_values(Stack& stack, double low, double high, ExtremeValues& replaced);

/// Gives the voxels that were kept their values of before.
void put_back(const ExtremeValues& replaced, Stack& restored);

}  // namespace n2s
