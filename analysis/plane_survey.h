// One look at every plane of a stack: levels, and planes that are empty, repeated or of another brightness.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/planes_to_read.h"

namespace n2s {

struct PlaneRecord {
  double mean = 0, deviation = 0;  // of the finite voxels
  float low = 0, high = 0;
  std::size_t finite = 0;  // voxels
  std::uint64_t hash = 0;  // of the values
};

struct PlaneSurvey {
  std::vector<PlaneRecord> planes;
  std::vector<float> mean_plane;  // over all planes, of the finite voxels
  float low = 0, high = 0;        // of all voxels
  std::size_t not_finite = 0;     // voxels
  std::size_t at_high = 0;        // voxels that have the largest value
};

/// Reads every plane once, a few at a time. Throws Error as `planes.read` does.
PlaneSurvey survey_planes(const PlanesToRead& planes);

/// Planes without a finite voxel, or with one value only.
std::vector<int> empty_planes(const PlaneSurvey& survey);

/// Planes that are equal to the one before, voxel by voxel; empty ones aside.
std::vector<int> repeated_planes(const PlaneSurvey& survey);

/// Planes that are far brighter or darker than both neighbours (a flash, a missed exposure), and those where the
/// brightness steps to another level: by more than it changes anywhere near.
std::vector<int> brightness_jumps(const PlaneSurvey& survey);

/// Slope of a line through the planes' means (Theil-Sen, which single planes do not move), first to last plane, as a
/// share of their median: -0.3 is a loss of 30 %, as of bleaching.
double brightness_trend(const PlaneSurvey& survey);

/// Voxels at the largest value of all, where these are many enough to be a limit of the detector rather than a maximum:
/// a share of all voxels, else 0.
double saturated_share(const PlaneSurvey& survey, const PlanesToRead& planes);

}  // namespace n2s
