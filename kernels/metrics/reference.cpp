// Image metrics by definition: every window of SSIM by itself, means before variances. What the tests compare the GPU
// and the CPU (data/metrics.cpp) with.
#include "kernels/metrics/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace n2s {
namespace {

using Values = std::vector<double>;

double mean_of(const Values& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Sample covariance, divided by n - 1.
double covariance_of(const Values& a, const Values& b) {
  const double mean_a = mean_of(a), mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

/// Wang et al. 2004, equation 13, of the pixels of one window.
double ssim_of_window(const Values& x, const Values& y, double range) {
  const double c1 = std::pow(0.01 * range, 2), c2 = std::pow(0.03 * range, 2);
  const double mean_x = mean_of(x), mean_y = mean_of(y);
  return (2 * mean_x * mean_y + c1) * (2 * covariance_of(x, y) + c2) /
         ((mean_x * mean_x + mean_y * mean_y + c1) * (covariance_of(x, x) + covariance_of(y, y) + c2));
}

Values window_at(const Values& image, int width, int top, int left) {
  Values window;
  for (int y = top; y < top + kSsimWindow; ++y)
    for (int x = left; x < left + kSsimWindow; ++x)
      window.push_back(image[static_cast<std::size_t>(std::ptrdiff_t{y} * width + x)]);
  return window;
}

double mean_ssim(const Values& x, const Values& y, const MetricsReference& p) {
  if (p.height < kSsimWindow || p.width < kSsimWindow) return std::numeric_limits<double>::quiet_NaN();
  Values ssim;
  for (int top = 0; top + kSsimWindow <= p.height; ++top)
    for (int left = 0; left + kSsimWindow <= p.width; ++left)
      ssim.push_back(ssim_of_window(window_at(x, p.width, top, left), window_at(y, p.width, top, left), p.data_range));
  return mean_of(ssim);
}

}  // namespace

AffineMap affine_map_reference(const MetricsReference& p) {
  if (!p.affine) return {1, 0};
  const Values result(p.result.begin(), p.result.end()), truth(p.truth.begin(), p.truth.end());
  const auto [least, largest] = std::minmax_element(result.begin(), result.end());
  const double alpha = *least == *largest ? 0 : covariance_of(result, truth) / covariance_of(result, result);
  return {alpha, mean_of(truth) - alpha * mean_of(result)};
}

MetricSums metric_sums_reference(const MetricsReference& p) {
  const AffineMap map = affine_map_reference(p);
  const auto clamped = [&](double value) { return p.clamp ? std::clamp(value, p.clamp_low, p.clamp_high) : value; };
  Values result, truth;
  for (const float value : p.result) result.push_back(clamped(map.alpha * value + map.beta));
  for (const float value : p.truth) truth.push_back(clamped(value));
  MetricSums sums;
  for (std::size_t i = 0; i < result.size(); ++i) {
    sums.errors += std::pow(result[i] - truth[i], 2);
    sums.energy += truth[i] * truth[i];
  }
  sums.ssim = mean_ssim(result, truth, p);
  return sums;
}

}  // namespace n2s
