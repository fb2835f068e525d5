// Order statistics and percentiles by sorting all values: what the tests compare the GPU's radix selection with.
#include "kernels/percentile/reference.h"

#include <algorithm>
#include <cmath>

namespace n2s {

float order_statistic_reference(std::vector<float> values, std::size_t rank) {
  std::sort(values.begin(), values.end());
  return values[rank] == 0 ? 0.0F : values[rank];
}

double percentile_reference(const std::vector<float>& values, double percent) {
  const double position = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), values.size() - 1);
  const double low = order_statistic_reference(values, below);
  const double high = order_statistic_reference(values, std::min(below + 1, values.size() - 1));
  const double part = position - static_cast<double>(below);
  // numpy interpolates from the nearer end.
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

}  // namespace n2s
