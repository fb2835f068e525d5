// How strong the noise is and how it grows with the signal: variance = gain * value + offset, the Poisson-Gaussian
// model of cameras and photomultipliers (Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling and fitting for
// single-image raw-data").
#pragma once

#include <string>
#include <vector>

#include "analysis/noise_correlation.h"
#include "analysis/plane_sample.h"
#include "analysis/plane_survey.h"

namespace n2s {

struct NoiseLevel {
  /// A group of pixels of similar value.
  struct Point {
    double value = 0, variance = 0;  // file's units, and squared
  };
  std::vector<Point> points;       // ascending values; empty: the sample is too small or constant
  double gain = 0, offset = 0;     // of the line through them; the gain is not negative
  double value = 0;                // median of the sample
  double deviation = 0;            // standard deviation of the noise at that value
  bool grows_with_signal = false;  // the line says so clearly: Poisson noise is part of it
  double mean_variance = 0;        // of the noise, over the sample
};

/// From differences of neighbouring pixels, in the places with least structure; correlation within the planes is taken
/// into account. Voxels at the ends of the range, which may be clipped, do not count.
NoiseLevel measure_noise_level(const PlaneSample& sample, const PlaneSurvey& survey,
                               const NoiseCorrelation& correlation);

}  // namespace n2s
