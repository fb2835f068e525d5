// Pixels are sorted by the mean of what surrounds them and, in each group, the half with the weakest gradients counts.
#include "analysis/noise_level.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "analysis/median.h"

namespace n2s {
namespace {

constexpr std::size_t kLevels = 20;
constexpr std::size_t kFewestPixels = 500;      // pixels in a group
constexpr std::size_t kMostPixels = 4'000'000;  // pixels
constexpr int kWindow = 2;                      // of the surroundings: 5x5 pixels

struct Pixel {
  float mean = 0, gradient = 0;  // of the surroundings
  float detail = 0;              // mixed difference
};

/// Sums over rectangles that begin at the origin.
class SummedPlane {
 public:
  SummedPlane(std::span<const float> plane, int height, int width)
      : width_(static_cast<std::size_t>(width) + 1), sums_((static_cast<std::size_t>(height) + 1) * width_) {
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
      double row = 0;
      for (std::size_t x = 0; x + 1 < width_; ++x) {
        row += plane[y * (width_ - 1) + x];
        sums_[(y + 1) * width_ + x + 1] = sums_[y * width_ + x + 1] + row;
      }
    }
  }

  double mean(int top, int left, int height, int width) const {
    const auto at = [&](int y, int x) {
      return sums_[static_cast<std::size_t>(y) * width_ + static_cast<std::size_t>(x)];
    };
    return (at(top + height, left + width) - at(top, left + width) - at(top + height, left) + at(top, left)) /
           (height * width);
  }

 private:
  std::size_t width_;
  std::vector<double> sums_;
};

/// The finest detail of a plane, scaled as of one plane: of its difference from the next one, which has less structure,
/// where their noise is independent and there is a next one.
std::vector<float> detail_of(const Stack& run, int plane, bool is_independent) {
  const std::span<const float> here = plane_of(run, plane);
  if (!is_independent || run.planes < 2) return mixed_difference(here, run.height, run.width);
  const std::span<const float> other = plane_of(run, plane + 1 < run.planes ? plane + 1 : plane - 1);
  std::vector<float> difference(here.begin(), here.end());
  for (std::size_t i = 0; i < difference.size(); ++i)
    difference[i] = (difference[i] - other[i]) * std::numbers::sqrt2_v<float> / 2;
  return mixed_difference(difference, run.height, run.width);
}

/// Pixels whose four values are inside (low, high).
void collect(std::span<const float> plane, std::span<const float> details, int height, int width, float low, float high,
             std::size_t stride, std::vector<Pixel>& pixels) {
  const SummedPlane sums(plane, height, width);
  std::size_t number = 0;
  for (int y = kWindow; y + kWindow + 1 < height; ++y)
    for (int x = kWindow; x + kWindow + 1 < width; ++x) {
      if (number++ % stride != 0) continue;
      const float* at = plane.data() + static_cast<std::ptrdiff_t>(y) * width + x;
      const auto [least, most] = std::minmax({at[0], at[1], at[width], at[width + 1]});
      if (least <= low || most >= high) continue;
      const double above = sums.mean(y - kWindow, x - kWindow, kWindow, 2 * kWindow + 1);
      const double below = sums.mean(y + 1, x - kWindow, kWindow, 2 * kWindow + 1);
      const double left = sums.mean(y - kWindow, x - kWindow, 2 * kWindow + 1, kWindow);
      const double right = sums.mean(y - kWindow, x + 1, 2 * kWindow + 1, kWindow);
      pixels.push_back(
          {static_cast<float>(sums.mean(y - kWindow, x - kWindow, 2 * kWindow + 1, 2 * kWindow + 1)),
           static_cast<float>(std::abs(below - above) + std::abs(right - left)),
           details[static_cast<std::size_t>(y) * static_cast<std::size_t>(width - 1) + static_cast<std::size_t>(x)]});
    }
}

/// Variance of values around 0 in which some are far too large: those beyond 2.5 deviations are left out until none is
/// new, and the share that a Gaussian has there is added back.
double robust_variance(std::span<const Pixel> pixels) {
  constexpr double kReachOfClip = 2.5;
  constexpr double kLeftOfVariance = 0.91125;  // of a Gaussian within 2.5 deviations
  std::vector<float> sizes;
  for (const Pixel& pixel : pixels) sizes.push_back(std::abs(pixel.detail));
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  double deviation = *middle / 0.6745;
  if (deviation == 0) {
    double squares = 0;
    for (const float size : sizes) squares += double{size} * size;
    deviation = std::sqrt(squares / static_cast<double>(sizes.size()));
  }
  for (int i = 0; i < 20; ++i) {
    double squares = 0;
    double count = 0;
    for (const float size : sizes) {
      if (size > kReachOfClip * deviation) continue;
      squares += double{size} * size;
      ++count;
    }
    if (count == 0) break;
    deviation = std::sqrt(squares / count / kLeftOfVariance);
  }
  return deviation * deviation;
}

/// Theil-Sen: the median of the slopes of all pairs.
void fit_line(NoiseLevel& level) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < level.points.size(); ++i)
    for (std::size_t j = i + 1; j < level.points.size(); ++j)
      if (const double run = level.points[j].value - level.points[i].value; run > 0)
        slopes.push_back((level.points[j].variance - level.points[i].variance) / run);
  level.gain = slopes.empty() ? 0 : std::max(0.0, median(slopes));
  std::vector<double> offsets;
  for (const NoiseLevel::Point& point : level.points) offsets.push_back(point.variance - level.gain * point.value);
  level.offset = median(offsets);
}

}  // namespace

NoiseLevel measure_noise_level(const PlaneSample& sample, const PlaneSurvey& survey,
                               const NoiseCorrelation& correlation) {
  std::vector<Pixel> pixels;
  std::size_t voxels = 0;
  for (const Stack& run : sample.planes) voxels += run.voxels.size();
  const std::size_t stride = voxels / kMostPixels + 1;
  constexpr double kLeast = 0.2;
  const bool is_independent =
      !correlation.between_planes.empty() && std::abs(correlation.between_planes.front()) < kLeast;
  for (const Stack& run : sample.planes)
    for (int plane = 0; plane < run.planes; ++plane)
      collect(plane_of(run, plane), detail_of(run, plane, is_independent), run.height, run.width, survey.low,
              survey.high, stride, pixels);
  NoiseLevel level;
  if (pixels.size() < kFewestPixels) return level;
  std::sort(pixels.begin(), pixels.end(), [](const Pixel& a, const Pixel& b) { return a.mean < b.mean; });
  // What is left of one pixel's variance in a mixed difference.
  const double factor =
      std::max(0.2, 4 - 4 * correlation.along_x[1] - 4 * correlation.along_y[1] + 4 * correlation.diagonal);
  const std::size_t groups = std::clamp<std::size_t>(pixels.size() / kFewestPixels, 1, kLevels);
  level.value = pixels[pixels.size() / 2].mean;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(g * pixels.size() / groups);
    const auto end = pixels.begin() + static_cast<std::ptrdiff_t>((g + 1) * pixels.size() / groups);
    const auto half = begin + (end - begin) / 2;
    std::nth_element(begin, half, end, [](const Pixel& a, const Pixel& b) { return a.gradient < b.gradient; });
    double sum = 0;
    for (auto pixel = begin; pixel != half; ++pixel) sum += pixel->mean;
    level.points.push_back({sum / static_cast<double>(half - begin), robust_variance({begin, half}) / factor});
    level.mean_variance += level.points.back().variance / static_cast<double>(groups);
  }
  fit_line(level);
  const double change = level.gain * (level.points.back().value - level.points.front().value);
  level.grows_with_signal = groups > 2 && change > 0.3 * level.points.front().variance;
  level.deviation = std::sqrt(std::max(0.0, level.gain * level.value + level.offset));
  return level;
}

}  // namespace n2s
