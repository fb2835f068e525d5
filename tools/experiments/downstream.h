// The downstream check of the microscopy experiment (Papkov et al. 2020, figure 6): a network that learned to segment
// nuclei in images with little noise, on noisy, restored and true planes.
#pragma once

#include <filesystem>
#include <span>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/devices/device.h"
#include "tools/common.h"
#include "tools/experiments/system_result.h"
#include "tools/model_use.h"

namespace n2s {

/// What the segmentation network is to predict for a stack: Otsu masks, in such units that its normalisation makes 0
/// and 1 of them.
Stack mask_target(const Stack& truth, const Normalisation& normalisation);

class Segmentation {
 public:
  /// `model` is a run's folder or a model file. The device must live as long as the object. Throws Error.
  Segmentation(const std::filesystem::path& model, const Device& device, const CommonOptions& common);

  /// The network's masks: 0 and 1.
  Stack masks(const Stack& stack) const;

  /// Masks of a result against those of the truth, plane by plane.
  static std::vector<SystemResult::Objects> compare(const Stack& masks, const Stack& truth_masks);

 private:
  LoadedModel model_;
  const Device* device_;
  CommonOptions common_;
};

}  // namespace n2s
