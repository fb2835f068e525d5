// A part of a stack that is small enough to be looked at closely: runs of consecutive planes, spread over the stack,
// through the window where the stack has most to show.
#pragma once

#include <vector>

#include "analysis/plane_survey.h"

namespace n2s {

struct PlaneSample {
  int top = 0, left = 0;               // of the window in the planes, pixels
  std::vector<std::vector<int>> runs;  // the planes' numbers
  std::vector<Stack> planes;           // of each run; voxels that are not finite are those of the mean plane
};

/// Up to six runs of up to seven planes, of 768x768 pixels at most; empty planes are left out, and repeated ones.
/// Throws Error as `planes.read` does.
PlaneSample sample_planes(const PlanesToRead& planes, const PlaneSurvey& survey);

}  // namespace n2s
