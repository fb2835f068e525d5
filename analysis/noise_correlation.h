// How the noise of one voxel goes with that of its neighbours: within a plane, which methods that mask pixels do not
// bear (Krull et al. 2019, Broaddus et al. 2020), and between planes, which Noise2Stack does not (Papkov et al. 2020,
// section 4).
#pragma once

#include <array>
#include <vector>

#include "analysis/plane_sample.h"

namespace n2s {

/// Correlations, from -1 to 1, in the blocks of the sample that show least structure.
struct NoiseCorrelation {
  static constexpr int kLags = 4;
  int blocks = 0;                                 // of 16x16 pixels; 0: there were none to measure in
  std::array<double, kLags> along_x{1, 0, 0, 0};  // by distance in pixels
  std::array<double, kLags> along_y{1, 0, 0, 0};
  double diagonal = 0;                 // one pixel down and right
  std::vector<double> between_planes;  // by distance in planes, from 1; of the finest detail
  double far = 0;                      // the same, of planes as far apart as the sample has them: a pattern that stays
  int far_distance = 0;                // planes
  double far_rows = 0, far_columns = 0;  // of the means of rows and of columns, without what is smooth in them
};

NoiseCorrelation measure_noise_correlation(const PlaneSample& sample);

/// p(x, y) - p(x + 1, y) - p(x, y + 1) + p(x + 1, y + 1): what is smooth drops out, of white noise with variance v
/// stays 4 v. (height - 1) x (width - 1) values.
std::vector<float> mixed_difference(std::span<const float> plane, int height, int width);

}  // namespace n2s
