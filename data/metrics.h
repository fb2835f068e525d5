// How close a result is to the truth: PSNR, SSIM and NRMSE, per plane and over a stack. Source: Papkov et al.
// 2020, section 3 and supplement; SSIM is Wang et al. 2004 as scikit-image computes it by default, equal to 1e-6.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "data/stack.h"
#include "kernels/base/image_metrics.h"

namespace n2s {

/// Applied in this order: the affine map of the result onto the truth, the clamp of both, the metrics.
struct MetricOptions {
  bool clamp = false;  // hold both images within [clamp_low, clamp_high] (MRI)
  double clamp_low = -0.5, clamp_high = 0.5;
  bool affine = false;    // map the result, per plane, to the least squared error (microscopy)
  double data_range = 1;  // R of PSNR and SSIM, above 0, in the images' units
};

struct PlaneMetrics {
  double psnr = 0;   // dB; infinity where result and truth are identical
  double ssim = 0;   // 1 is identical; NaN where a side has fewer than the window's 7 pixels
  double nrmse = 0;  // |truth - result| / |truth|; 0 where both are 0 everywhere, infinity where only the truth is
};

/// Over planes. With an infinite PSNR among them the mean is infinite, and sd and ci95 are NaN; NaN gives NaN.
struct Summary {
  double mean = 0;
  double sd = 0;    // sample standard deviation (n - 1); 0 for a single plane
  double ci95 = 0;  // half width of the 95 % confidence interval of the mean: 1.96 sd / sqrt(n)
};

struct StackMetrics {
  std::vector<PlaneMetrics> per_plane;  // in the stack's order, for curves over the plane's position
  Summary psnr, ssim, nrmse;
};

/// Both images row by row, height x width pixels, in the same units. Throws Error where a size differs from that, a
/// plane is empty, or the options make no sense.
PlaneMetrics plane_metrics(std::span<const float> result, std::span<const float> truth, int height, int width,
                           const MetricOptions& options = {});

/// From sums over a plane of height x width pixels, wherever they were made.
PlaneMetrics metrics_of(const MetricSums& sums, int height, int width, double data_range);

/// Throws Error where the stacks' sizes differ or there are no planes, and for what plane_metrics() refuses.
StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options = {});

/// The two halves of that, for planes that are measured elsewhere: what is refused, and what becomes of the measured
/// planes, at least one.
void check_comparable(const Stack& result, const Stack& truth, const MetricOptions& options);
StackMetrics with_summaries(std::vector<PlaneMetrics> planes);

/// One line for people: how the numbers were made.
std::string describe(const MetricOptions& options);

/// {"psnr", "ssim", "nrmse": means, "sd" and "ci95": {the three}, "planes": n, "per_plane": {"psnr": [...], ...},
///  "how": {"range", "clamp", "affine", "aggregation"}}. clamp is [low, high] or null. JSON has no infinity and no
/// NaN: both are null, so a null PSNR means identical images and a null SSIM a plane below 7 pixels.
nlohmann::json metrics_json(const StackMetrics& metrics, const MetricOptions& options);

}  // namespace n2s
