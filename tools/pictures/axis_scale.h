// One axis of a diagram, whether it is drawn as pixels or as SVG.
#pragma once

#include <vector>

namespace n2s {

/// Values to places on the picture, and where the ticks are.
struct AxisScale {
  double low = 0, high = 1;  // of the axis; of a logarithmic one the exponents of 10
  bool logarithmic = false;
  double from = 0, to = 1;  // places of low and high

  double at(double value) const;
  /// About six round values; on a logarithmic axis powers of 10, where it is short 2 and 5 times these as well, and
  /// where that is less than two of them, as on another axis.
  std::vector<double> ticks() const;
};

}  // namespace n2s
