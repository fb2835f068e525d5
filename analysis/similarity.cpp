// See similarity.h.
#include "analysis/similarity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "data/metrics.h"
#include "data/normalisation.h"

namespace n2s {
namespace {

struct Moments {
  double mean = 0, variance = 0;
};

Moments moments_of(std::span<const float> values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const auto count = static_cast<double>(values.size());
  return {sum / count, std::max(0.0, squares / count - sum / count * (sum / count))};
}

double covariance(std::span<const float> a, std::span<const float> b, double mean_a, double mean_b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size());
}

/// Of the planes.
double mean_variance(const PlaneSample& sample) {
  double sum = 0;
  double count = 0;
  for (const Stack& run : sample.planes)
    for (int plane = 0; plane < run.planes; ++plane, ++count) sum += moments_of(plane_of(run, plane)).variance;
  return sum / count;
}

double data_range(const PlaneSample& sample) {
  std::vector<float> values;
  for (const Stack& run : sample.planes)
    for (std::size_t i = 0; i < run.voxels.size(); i += 7) values.push_back(run.voxels[i]);
  return percentile(values, 99.9) - percentile(values, 0.1);
}

/// Mean of the squared difference between a plane and the mean of its neighbours.
double missed_square(const PlaneSample& sample) {
  double sum = 0;
  double count = 0;
  for (const Stack& run : sample.planes)
    for (int plane = 1; plane + 1 < run.planes; ++plane)
      for (std::size_t i = 0; i < plane_pixels(run); ++i) {
        const double between = (double{plane_of(run, plane - 1)[i]} + plane_of(run, plane + 1)[i]) / 2;
        const double difference = plane_of(run, plane)[i] - between;
        sum += difference * difference;
        ++count;
      }
  return count > 0 ? sum / count : 0;
}

/// Noise lowers the correlation of different planes, not that of a plane with itself. Where the correlation decays
/// slowly, its value at distance 0 follows from those at 1 and 2, with any noise: structure falls off like
/// exp(-distance^2).
void leave_noise_out(Similarity& similarity) {
  constexpr double kSlow = 0.3;
  constexpr double kFewest = 0.2;  // correlation: less may be chance
  std::vector<Similarity::AtDistance>& distances = similarity.distances;
  if (distances.size() < 2 || distances[0].correlation < kFewest) return;
  const double ratio = distances[1].correlation / distances[0].correlation;
  if (ratio < kSlow) return;
  const double at_zero = std::min(1.0, distances[0].correlation * std::cbrt(1 / std::min(1.0, ratio)));
  for (Similarity::AtDistance& at : distances) at.without_noise = std::clamp(at.correlation / at_zero, -1.0, 1.0);
  similarity.noise_variance = (1 - at_zero) * similarity.variance;
}

}  // namespace

Similarity measure_similarity(const PlaneSample& sample, const NoiseLevel& noise) {
  Similarity result;
  if (sample.planes.empty() || sample.planes.front().planes < 2) return result;
  MetricOptions ssim;
  ssim.data_range = data_range(sample);
  if (ssim.data_range <= 0) return result;
  const int most = sample.planes.front().planes - 1;
  for (int distance = 1; distance <= most; ++distance) {
    Similarity::AtDistance at{distance, 0, 0, 0};
    double pairs = 0;
    double signal = 0;
    double shared = 0;
    for (const Stack& run : sample.planes)
      for (int plane = 0; plane + distance < run.planes; plane += std::max(1, distance)) {
        const std::span<const float> a = plane_of(run, plane);
        const std::span<const float> b = plane_of(run, plane + distance);
        const Moments of_a = moments_of(a);
        const Moments of_b = moments_of(b);
        const double together = covariance(a, b, of_a.mean, of_b.mean);
        const double norm = std::sqrt(of_a.variance * of_b.variance);
        at.ssim += plane_metrics(a, b, run.height, run.width, ssim).ssim;
        at.correlation += norm > 0 ? together / norm : 0;
        shared += together;
        signal += std::sqrt(std::max(0.0, of_a.variance - noise.mean_variance) *
                            std::max(0.0, of_b.variance - noise.mean_variance));
        ++pairs;
      }
    at.ssim /= pairs;
    at.correlation /= pairs;
    at.without_noise = signal > 0 ? std::clamp(shared / signal, -1.0, 1.0) : 0;
    result.distances.push_back(at);
  }
  result.noise_variance = noise.mean_variance;
  result.variance = mean_variance(sample);
  leave_noise_out(result);
  // The difference has the noise of the plane and half of that of each neighbour.
  result.missed_detail = std::sqrt(std::max(0.0, missed_square(sample) - 1.5 * result.noise_variance));
  return result;
}

}  // namespace n2s
