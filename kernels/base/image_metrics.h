// The formulas of PSNR, NRMSE and SSIM, shared by CPU and GPU. SSIM is Wang et al. 2004 with scikit-image's defaults: a
// uniform 7x7 window and sample variances.
#pragma once

#include <cmath>

#include "kernels/base/host_device.h"

namespace n2s {

inline constexpr int kSsimWindow = 7;  // pixels on each side

/// Sums over a window of two images, for SSIM.
struct SsimMoments {
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  N2S_HOST_DEVICE void add(const SsimMoments& other, double sign) {
    x += sign * other.x;
    y += sign * other.y;
    xx += sign * other.xx;
    yy += sign * other.yy;
    xy += sign * other.xy;
  }
};

/// The moments of one pixel.
N2S_HOST_DEVICE inline SsimMoments ssim_moments(double x, double y) {
  return {x, y, x * x, y * y, x * y};
}

/// SSIM of a whole window; `range` is that of the data, in the images' units.
N2S_HOST_DEVICE inline double ssim_of(const SsimMoments& sums, double range) {
  constexpr double kK1 = 0.01, kK2 = 0.03;
  constexpr double kCount = kSsimWindow * kSsimWindow;
  constexpr double kSample = kCount / (kCount - 1);
  const double c1 = (kK1 * range) * (kK1 * range), c2 = (kK2 * range) * (kK2 * range);
  const double mean_x = sums.x / kCount, mean_y = sums.y / kCount;
  const double variance_x = kSample * (sums.xx / kCount - mean_x * mean_x);
  const double variance_y = kSample * (sums.yy / kCount - mean_y * mean_y);
  const double covariance = kSample * (sums.xy / kCount - mean_x * mean_y);
  return (2 * mean_x * mean_y + c1) * (2 * covariance + c2) /
         ((mean_x * mean_x + mean_y * mean_y + c1) * (variance_x + variance_y + c2));
}

/// Maps the result onto the truth: alpha * result + beta.
struct AffineMap {
  double alpha = 1, beta = 0;
};

/// Sums of one plane, after the affine map and the clamp.
struct MetricSums {
  double errors = 0;  // of squared differences
  double energy = 0;  // of the truth's squares
  double ssim = 0;    // the mean over all windows; NaN where the plane is smaller than one
};

/// dB; infinity where there are no errors.
inline double psnr_of(const MetricSums& sums, double pixels, double range) {
  return 10 * std::log10(range * range / (sums.errors / pixels));
}

/// |truth - result| / |truth|; 0 where both are 0 everywhere, infinity where only the truth is.
inline double nrmse_of(const MetricSums& sums) {
  const bool none = sums.errors <= 0;  // not of NaN
  return none ? 0 : std::sqrt(sums.errors / sums.energy);
}

}  // namespace n2s
