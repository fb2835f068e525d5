// Reductions over images (metrics, percentiles) that a device may compute. Images and results lie in host memory.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "data/metrics.h"
#include "data/stack.h"

namespace n2s {

/// Metrics of every plane, as plane_metrics() of data/metrics.h has them. The stacks have passed check_comparable().
struct PlaneComparison {
  const Stack& result;
  const Stack& truth;
  const MetricOptions& options;
  std::span<PlaneMetrics> per_plane;  // out: one for each plane
};

/// order_statistics() of data/normalisation.h. Every rank is below the number of voxels of all stacks.
struct RankSearch {
  const std::vector<const Stack*>& stacks;
  std::span<const std::size_t> ranks;
  std::span<float> found;  // out: one for each rank
};

using Measurement = std::variant<PlaneComparison, RankSearch>;

}  // namespace n2s
