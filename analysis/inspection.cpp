// Takes the measurements one after the other.
#include "analysis/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "data/extreme_values.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

/// Replaces the hot pixels of the sample, since they would count as noise.
HotPixels replace_hot(PlaneSample& sample) {
  std::vector<const Stack*> runs;
  runs.reserve(sample.planes.size());
  for (const Stack& run : sample.planes) runs.push_back(&run);
  const BulkLevels bulk = bulk_levels(runs);
  HotPixels hot;
  if (bulk.spread <= 0) return hot;
  std::map<std::size_t, std::size_t> planes_at;  // position: planes
  std::size_t voxels = 0;
  std::size_t planes = 0;
  std::size_t found = 0;
  for (Stack& run : sample.planes) {
    ExtremeValues replaced;
    replace_isolated(run, bulk, replaced);
    for (const VoxelValue& voxel : replaced.medians) ++planes_at[voxel.index % plane_pixels(run)];
    found += replaced.isolated;
    voxels += run.voxels.size();
    planes += static_cast<std::size_t>(run.planes);
  }
  hot.share = static_cast<double>(found) / static_cast<double>(voxels);
  if (planes > 2)
    hot.fixed = static_cast<std::size_t>(std::count_if(
        planes_at.begin(), planes_at.end(), [&](const auto& position) { return 2 * position.second >= planes; }));
  return hot;
}

}  // namespace

Inspection inspect(const PlanesToRead& planes) {
  Inspection found;
  found.shape = planes.shape;
  found.survey = survey_planes(planes);
  found.empty = empty_planes(found.survey);
  found.repeated = repeated_planes(found.survey);
  found.jumps = brightness_jumps(found.survey);
  found.trend = brightness_trend(found.survey);
  found.saturated = saturated_share(found.survey, planes);
  PlaneSample sample = sample_planes(planes, found.survey);
  if (sample.planes.empty())
    throw Error(fmt::format("{}: {}: there is nothing to restore", planes.name,
                            found.survey.low == found.survey.high ? fmt::format("every voxel is {:g}", found.survey.low)
                                                                  : "every plane is empty or has one value only"));
  for (const std::vector<int>& run : sample.runs) found.sampled.insert(found.sampled.end(), run.begin(), run.end());
  found.hot = replace_hot(sample);
  found.correlation = measure_noise_correlation(sample);
  found.noise = measure_noise_level(sample, found.survey, found.correlation);
  found.similarity = measure_similarity(sample, found.noise);
  if (!found.noise.points.empty()) found.shifts = measure_shifts(sample);
  found.undersampling = measure_undersampling(planes, sample, found.noise.mean_variance);
  const Stack& middle = sample.planes[sample.planes.size() / 2];
  const std::span<const float> plane = plane_of(middle, middle.planes / 2);
  found.middle_plane.assign(plane.begin(), plane.end());
  found.window_height = middle.height;
  found.window_width = middle.width;
  return found;
}

}  // namespace n2s
