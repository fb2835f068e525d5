// Order statistics and percentiles by sorting, for tests.
#pragma once

#include <cstddef>
#include <vector>

namespace n2s {

/// The value that would be at `rank`, counted from 0, if the values were sorted; -0 counts as 0.
float order_statistic_reference(std::vector<float> values, std::size_t rank);

/// numpy.percentile(values, percent): interpolated linearly between the two neighbours, in double.
double percentile_reference(const std::vector<float>& values, double percent);

}  // namespace n2s
