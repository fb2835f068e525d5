// PSNR's, NRMSE's and SSIM's sums of one plane by definition, in double precision, for tests.
#pragma once

#include <span>

#include "kernels/base/image_metrics.h"

namespace n2s {

/// Applied in this order: the affine map of the result onto the truth, the clamp of both, the sums.
struct MetricsReference {
  std::span<const float> result, truth;  // height * width pixels each
  int height = 0, width = 0;             // pixels
  bool affine = false, clamp = false;
  double clamp_low = 0, clamp_high = 0;
  double data_range = 1;
};

/// The affine map with the least squared error; a constant result has slope 0. Without `affine`: 1 and 0.
AffineMap affine_map_reference(const MetricsReference& problem);

MetricSums metric_sums_reference(const MetricsReference& problem);

}  // namespace n2s
