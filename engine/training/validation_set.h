// Fixed inputs and targets for choosing the best model.
#pragma once

#include <vector>

#include "engine/graph/extents.h"
#include "engine/training/training_stack.h"

namespace n2s {

/// `batches` times `extents.batch` images, NHWC, host memory.
struct ValidationSet {
  Extents extents;
  int batches = 0;
  std::vector<float> inputs, targets;
};

/// The held-out planes' windows from the middle of each plane, `side` pixels at most (rounded up to the network's
/// `divisor`), with fixed noise.
ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  int side);

}  // namespace n2s
