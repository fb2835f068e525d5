// Stacks whose voxels say which plane they are of, and settings that show them whole.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/training/training_stack.h"

namespace n2s::test {

inline constexpr int kSide = 32;
inline constexpr int kPixels = kSide * kSide;

/// Every voxel of plane p is first + p, so that a voxel says where it comes from.
inline Stack numbered_stack(int planes, float first) {
  Stack stack{planes, kSide, kSide, {}};
  for (int plane = 0; plane < planes; ++plane)
    stack.voxels.insert(stack.voxels.end(), std::size_t{kPixels}, first + static_cast<float>(plane));
  return stack;
}

inline std::vector<TrainingStack> one_copy(int planes) {
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = numbered_stack(planes, 0);
  return stacks;
}

/// The target's planes are numbered from 100.
inline std::vector<TrainingStack> two_copies(int planes) {
  std::vector<TrainingStack> stacks = one_copy(planes);
  stacks[0].target = numbered_stack(planes, 100);
  return stacks;
}

inline BatchSettings settings_for(const std::string& method, int planes, int batch = 4) {
  BatchSettings settings;
  settings.method = method;
  settings.planes = planes;
  settings.batch = batch;
  settings.augmentation.crop_height = kSide;
  settings.augmentation.crop_width = kSide;
  settings.seed = 9;
  return settings;
}

}  // namespace n2s::test
