// Data sets from multi-well plates: the paper's microscopy experiment (section 3.2).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "kernels/base/thread_pool.h"
#include "tools/common.h"
#include "tools/experiments/data_set.h"
#include "tools/experiments/file_pattern.h"

namespace n2s {

struct PlateDataSettings {
  PartRules parts;  // none: all wells but the last train; of that one the first third of the fields validates
  std::string pattern = kHarmonyPattern;
  /// What a channel (or exposure, or "CHANNEL:EXPOSURE") of the names holds; "none": the plate has no such images.
  std::string low = "1", high = "2", brightfield = "3";
  bool subtract_background = true;
  double memory_gib = 0;          // for the images; 0: half of what is free
  std::filesystem::path scratch;  // folder for what does not fit
};

/// One stack for each field, with a copy for each modality, of which the background of the camera is subtracted. The
/// plan keeps `pool`. Throws Error.
DataSetPlan plan_plate(const std::filesystem::path& folder, const PlateDataSettings& settings,
                       const CommonOptions& common, ThreadPool& pool);

}  // namespace n2s
