// The median of a few values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace n2s {

/// The upper one of the two in the middle where their number is even; 0 without values.
template <typename T>
T median(std::vector<T> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace n2s
