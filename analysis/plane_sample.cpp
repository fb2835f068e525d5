// See plane_sample.h.
#include "analysis/plane_sample.h"

#include <algorithm>
#include <cmath>

namespace n2s {
namespace {

constexpr int kRuns = 6, kRunLength = 7;
constexpr int kSide = 768;

double variance_in(const PlaneSurvey& survey, const Stack& shape, int top, int left, int height, int width) {
  double sum = 0;
  double squares = 0;
  for (int y = top; y < top + height; y += 4)
    for (int x = left; x < left + width; x += 4) {
      const double value = survey.mean_plane[static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.width) +
                                             static_cast<std::size_t>(x)];
      sum += value;
      squares += value * value;
    }
  const double count = std::ceil(height / 4.0) * std::ceil(width / 4.0);
  return squares / count - sum / count * (sum / count);
}

/// Of nine positions, the one with most contrast in the mean of all planes.
void choose_window(PlaneSample& sample, const PlaneSurvey& survey, const Stack& shape, int height, int width) {
  double most = -1;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const int top = (shape.height - height) * i / 2;
      const int left = (shape.width - width) * j / 2;
      const double variance = variance_in(survey, shape, top, left, height, width);
      if (variance <= most) continue;
      most = variance;
      sample.top = top;
      sample.left = left;
    }
}

std::vector<int> useful_planes(const PlaneSurvey& survey) {
  std::vector<int> left_out = empty_planes(survey);
  const std::vector<int> repeated = repeated_planes(survey);
  left_out.insert(left_out.end(), repeated.begin(), repeated.end());
  std::vector<int> useful;
  for (int i = 0; i < static_cast<int>(survey.planes.size()); ++i)
    if (std::find(left_out.begin(), left_out.end(), i) == left_out.end()) useful.push_back(i);
  return useful;
}

/// The window of one plane, appended to the run.
void append(const PlanesToRead& planes, const PlaneSurvey& survey, const PlaneSample& sample, int number, Stack& run) {
  const Stack plane = planes.read(number, 1);
  for (int y = 0; y < run.height; ++y)
    for (int x = 0; x < run.width; ++x) {
      const std::size_t at = static_cast<std::size_t>(sample.top + y) * static_cast<std::size_t>(plane.width) +
                             static_cast<std::size_t>(sample.left + x);
      run.voxels.push_back(std::isfinite(plane.voxels[at]) ? plane.voxels[at] : survey.mean_plane[at]);
    }
  ++run.planes;
}

}  // namespace

PlaneSample sample_planes(const PlanesToRead& planes, const PlaneSurvey& survey) {
  PlaneSample sample;
  const Stack& shape = planes.shape;
  const int height = std::min(kSide, shape.height);
  const int width = std::min(kSide, shape.width);
  choose_window(sample, survey, shape, height, width);
  const std::vector<int> useful = useful_planes(survey);
  const int count = static_cast<int>(useful.size());
  const int length = std::min(kRunLength, count);
  const int runs = std::clamp(count / std::max(1, length), count > 0 ? 1 : 0, kRuns);
  for (int r = 0; r < runs; ++r) {
    const int first = runs > 1 ? (count - length) * r / (runs - 1) : (count - length) / 2;
    sample.runs.emplace_back(useful.begin() + first, useful.begin() + first + length);
    sample.planes.push_back({0, height, width, {}});
    for (const int number : sample.runs.back()) append(planes, survey, sample, number, sample.planes.back());
  }
  return sample;
}

}  // namespace n2s
