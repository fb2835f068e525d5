// How alike planes are by their distance (Papkov et al. 2020, figure 1): Noise2Stack predicts a plane from its
// neighbours, so it can restore what they share.
#pragma once

#include <vector>

#include "analysis/noise_level.h"
#include "analysis/plane_sample.h"

namespace n2s {

struct Similarity {
  /// Means over pairs of planes of the sample.
  struct AtDistance {
    int planes = 0;            // distance
    double ssim = 0;           // of the noisy planes, within their central range
    double correlation = 0;    // Pearson's, of the noisy planes
    double without_noise = 0;  // what the correlation would be without noise: an estimate, 1 at most
  };
  std::vector<AtDistance> distances;
  double noise_variance = 0;  // of a voxel, correlated noise included; in the file's units, squared
  double variance = 0;        // of the planes
  /// Root mean square of what the mean of both neighbours misses of a plane, noise aside: detail that only the plane
  /// itself has. In the file's units; 0 where it drowns in the noise.
  double missed_detail = 0;
};

Similarity measure_similarity(const PlaneSample& sample, const NoiseLevel& noise);

}  // namespace n2s
