// Fixed inputs and targets, to follow a training and to choose among its models.
#pragma once

#include <span>
#include <vector>

#include "engine/graph/extents.h"
#include "engine/training/training_stack.h"

namespace n2s {

/// `batches` times `extents.batch` images, NHWC, host memory.
struct ValidationSet {
  Extents extents;
  int batches = 0;
  std::vector<float> inputs, targets;
  std::vector<RandomKey> noise_keys{};  // as BatchSource has them; one for each image
};

struct ValidationWindows {
  int side = 256;  // pixels at most; rounded up to the network's divisor
  int most = 64;   // windows
};

/// Windows of the held-out planes, with fixed noise and without augmentation. They cover whole planes, edges and
/// background included; where there are more than `windows.most`, a part of them is taken, spread over the planes.
ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  const ValidationWindows& windows = {});

/// Appends the mean squared error of each block of 32x32 pixels of an image of (height, width) to `errors`. Targets
/// that are NaN, as those of methods that hide pixels, do not count.
void append_block_errors(std::span<const float> image, std::span<const float> target, const Extents& extents,
                         std::vector<float>& errors);

/// Whether the errors of the same blocks are below those of `other` by more than the standard error of their paired
/// difference. True where `other` is empty or of other blocks.
bool clearly_lower(std::span<const float> errors, std::span<const float> other);

}  // namespace n2s
