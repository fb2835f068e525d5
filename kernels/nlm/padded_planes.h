// What CPU and GPU share of non-local means: planes continued by reflection, and the weights of patches.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/nlm/nlm.h"

namespace n2s {

/// In units of h, which the padded planes have:
/// weight = exp(-max(sum of squared differences - noise, 0) * per_difference).
struct NlmWeights {
  float per_difference = 0, noise = 0;
};
NlmWeights nlm_weights(const NlmProblem& problem);

/// The planes with a margin of distance + patch / 2 pixels on each side (and planes, where patches extend over these).
/// Values are in units of h, from the middle of their range: squares of the plane's own units may not fit into a float.
class PaddedPlanes {
 public:
  PaddedPlanes(const NlmProblem& problem, std::span<const float> planes);

  std::ptrdiff_t row_floats() const { return row_; }
  std::ptrdiff_t plane_floats() const { return rows_ * row_; }
  const float* at(int plane, int y, int x) const {
    return values_.data() + (plane + margin_planes_) * plane_floats() + (y + margin_) * row_ + x + margin_;
  }
  std::span<const float> values() const { return values_; }

  /// From the units of h to the planes' own.
  void to_own_units(std::span<float> restored) const;

 private:
  int margin_, margin_planes_;
  double h_, middle_;
  std::ptrdiff_t row_, rows_;
  std::vector<float> values_;
};

}  // namespace n2s
