// How far planes lie shifted against the one before: a stage or a patient that moves.
#pragma once

#include <vector>

#include "analysis/plane_sample.h"

namespace n2s {

struct Shift {
  int plane = 0;        // that lies shifted against the one before
  double y = 0, x = 0;  // pixels, down and right
};

/// Of consecutive planes of the sample, by phase correlation (Kuglin and Hines 1975) of their coarse structure, in
/// which strong frequencies count more, as noise rules the others. Pairs without a clear maximum are left out, and
/// those that do not agree with the planes before.
std::vector<Shift> measure_shifts(const PlaneSample& sample);

/// Median length of the shifts, pixels; 0 where there are none.
double typical_shift(const std::vector<Shift>& shifts);

}  // namespace n2s
