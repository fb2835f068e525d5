// See plane_survey.h.
#include "analysis/plane_survey.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include "analysis/median.h"

namespace n2s {
namespace {

constexpr std::size_t kBytesAtOnce = std::size_t{16} << 20;

/// FNV-1a (Fowler, Noll, Vo), a word at a time.
std::uint64_t hash_of(std::span<const float> values) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const float value : values) hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3ULL;
  return hash;
}

PlaneRecord record_of(std::span<const float> values) {
  PlaneRecord record{
      0, 0, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 0, hash_of(values)};
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    record.low = std::min(record.low, value);
    record.high = std::max(record.high, value);
    ++record.finite;
    sum += value;
    squares += double{value} * value;
  }
  if (record.finite == 0) return record;
  record.mean = sum / static_cast<double>(record.finite);
  record.deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(record.finite) - record.mean * record.mean));
  return record;
}

bool is_empty(const PlaneRecord& plane) {
  return plane.finite == 0 || plane.low == plane.high;
}

std::vector<double> means_of(const PlaneSurvey& survey) {
  std::vector<double> means;
  for (const PlaneRecord& plane : survey.planes)
    if (!is_empty(plane)) means.push_back(plane.mean);
  return means;
}

}  // namespace

PlaneSurvey survey_planes(const PlanesToRead& planes) {
  PlaneSurvey survey;
  const std::size_t pixels = plane_pixels(planes.shape);
  std::vector<double> sums(pixels);
  std::vector<std::uint32_t> counts(pixels);
  survey.low = std::numeric_limits<float>::infinity();
  survey.high = -survey.low;
  const int step = static_cast<int>(std::clamp<std::size_t>(kBytesAtOnce / (pixels * sizeof(float)), 1, 1024));
  for (int first = 0; first < planes.shape.planes; first += step) {
    const Stack part = planes.read(first, std::min(step, planes.shape.planes - first));
    for (int plane = 0; plane < part.planes; ++plane) {
      const std::span<const float> values = plane_of(part, plane);
      const PlaneRecord record = record_of(values);
      survey.planes.push_back(record);
      survey.not_finite += pixels - record.finite;
      if (record.high > survey.high) survey.at_high = 0;
      survey.low = std::min(survey.low, record.low);
      survey.high = std::max(survey.high, record.high);
      for (std::size_t i = 0; i < pixels; ++i) {
        if (!std::isfinite(values[i])) continue;
        sums[i] += values[i];
        ++counts[i];
        if (values[i] == survey.high) ++survey.at_high;
      }
    }
  }
  survey.mean_plane.resize(pixels);
  for (std::size_t i = 0; i < pixels; ++i)
    survey.mean_plane[i] = counts[i] > 0 ? static_cast<float>(sums[i] / counts[i]) : 0;
  return survey;
}

std::vector<int> empty_planes(const PlaneSurvey& survey) {
  std::vector<int> found;
  for (std::size_t i = 0; i < survey.planes.size(); ++i)
    if (is_empty(survey.planes[i])) found.push_back(static_cast<int>(i));
  return found;
}

std::vector<int> repeated_planes(const PlaneSurvey& survey) {
  std::vector<int> found;
  for (std::size_t i = 1; i < survey.planes.size(); ++i) {
    const PlaneRecord& before = survey.planes[i - 1];
    const PlaneRecord& plane = survey.planes[i];
    if (!is_empty(plane) && plane.hash == before.hash && plane.mean == before.mean)
      found.push_back(static_cast<int>(i));
  }
  return found;
}

std::vector<int> brightness_jumps(const PlaneSurvey& survey) {
  constexpr double kTimesUsual = 8;      // the median step from plane to plane
  constexpr double kTimesNear = 3;       // the steps before and after: structure comes and goes gradually
  constexpr double kShareOfLevel = 0.1;  // smaller ones are no fault
  std::vector<double> steps, sizes, levels;
  std::vector<int> at;  // the plane behind the step
  std::size_t before = survey.planes.size();
  for (std::size_t i = 0; i < survey.planes.size(); ++i) {
    if (is_empty(survey.planes[i])) continue;
    levels.push_back(survey.planes[i].mean - survey.low);
    if (before < survey.planes.size()) {
      steps.push_back(survey.planes[i].mean - survey.planes[before].mean);
      sizes.push_back(std::abs(steps.back()));
      at.push_back(static_cast<int>(i));
    }
    before = i;
  }
  const double least = std::max(kTimesUsual * median(sizes), kShareOfLevel * median(levels));
  const auto size = [&](std::size_t i) { return i < sizes.size() ? sizes[i] : 0; };  // -1 wraps around
  std::vector<int> found;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sizes[i] <= least) continue;
    const bool is_flash = i + 1 < steps.size() && steps[i] * steps[i + 1] < 0 && sizes[i + 1] > sizes[i] / 2;
    const double near = std::max(size(i - 1), size(is_flash ? i + 2 : i + 1));
    if (sizes[i] <= kTimesNear * near) continue;
    found.push_back(at[i]);
    if (is_flash) ++i;  // the way back
  }
  return found;
}

double brightness_trend(const PlaneSurvey& survey) {
  const std::vector<double> means = means_of(survey);
  const double level = median(means);
  if (means.size() < 3 || level == 0) return 0;
  // Pairs far apart suffice where there are many planes.
  const std::size_t stride = std::max<std::size_t>(1, means.size() / 200);
  std::vector<double> slopes;
  for (std::size_t i = 0; i < means.size(); i += stride)
    for (std::size_t j = i + 1; j < means.size(); j += stride)
      slopes.push_back((means[j] - means[i]) / static_cast<double>(j - i));
  return median(slopes) * static_cast<double>(means.size() - 1) / std::abs(level);
}

double saturated_share(const PlaneSurvey& survey, const PlanesToRead& planes) {
  constexpr std::size_t kFewest = 10;  // voxels
  std::size_t voxels = 0;
  for (const PlaneRecord& plane : survey.planes) voxels += plane.finite;
  if (voxels == 0 || survey.low == survey.high || survey.at_high < kFewest) return 0;
  const double share = static_cast<double>(survey.at_high) / static_cast<double>(voxels);
  // A maximum that the bulk of the voxels has is a bright background or a mask.
  return share < 0.5 && plane_pixels(planes.shape) > 0 ? share : 0;
}

}  // namespace n2s
