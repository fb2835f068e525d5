// Whether frequencies are missing at random from the planes, as in accelerated MRI: the corruption of the paper's first
// experiment. A region of zeros, as from interpolation in the scanner, is not meant.
#pragma once

#include "analysis/plane_sample.h"

namespace n2s {

struct Undersampling {
  double missing = 0;  // share of frequencies without power
  bool at_random = false;
};

/// From a few whole planes. `noise_variance` is that of a voxel. Throws Error as `planes.read` does.
Undersampling measure_undersampling(const PlanesToRead& planes, const PlaneSample& sample, double noise_variance);

}  // namespace n2s
