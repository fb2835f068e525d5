// Everything that is measured of a stack before it is restored.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/noise_correlation.h"
#include "analysis/noise_level.h"
#include "analysis/plane_survey.h"
#include "analysis/shifts.h"
#include "analysis/similarity.h"
#include "analysis/undersampling.h"
#include "data/planes_to_read.h"

namespace n2s {

/// Pixels far from all that surrounds them (extreme_values.h), in the sample.
struct HotPixels {
  double share = 0;       // of the sample's voxels
  std::size_t fixed = 0;  // positions where at least half of the planes have one
};

struct Inspection {
  Stack shape;  // without voxels
  PlaneSurvey survey;
  std::vector<int> empty, repeated, jumps;  // planes
  double trend = 0;                         // brightness_trend()
  double saturated = 0;                     // saturated_share()
  std::vector<int> sampled;                 // planes that the rest was measured in
  HotPixels hot;
  NoiseCorrelation correlation;
  NoiseLevel noise;
  Similarity similarity;
  std::vector<Shift> shifts;
  Undersampling undersampling;
  std::vector<float> middle_plane;  // of the sample, for pictures
  int window_height = 0, window_width = 0;
};

/// Reads every plane once, and some of them again. Throws Error as `planes.read` does, and where no plane has two
/// different values.
Inspection inspect(const PlanesToRead& planes);

}  // namespace n2s
