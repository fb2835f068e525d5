// See axis_scale.h.
#include "tools/pictures/axis_scale.h"

#include <cmath>

namespace n2s {

double AxisScale::at(double value) const {
  const double v = logarithmic ? std::log10(value) : value;
  return from + (v - low) / (high - low) * (to - from);
}

namespace {

/// About six round values from low to high.
std::vector<double> round_values(double low, double high) {
  const double rough = (high - low) / 6;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  std::vector<double> values;
  for (double v = std::ceil(low / step) * step; v <= high + 1e-9 * step; v += step)
    values.push_back(std::abs(v) < 1e-9 * step ? 0 : v);
  return values;
}

/// Powers of 10, and 2 and 5 times these where there are few.
std::vector<double> round_factors(double low, double high) {
  std::vector<double> values;
  const bool is_short = high - low < 2;  // decades
  for (int decade = static_cast<int>(std::floor(low)); decade <= static_cast<int>(std::ceil(high)); ++decade)
    for (const double factor : {1.0, 2.0, 5.0})
      if ((is_short || factor == 1) && std::log10(factor) + decade >= low && std::log10(factor) + decade <= high)
        values.push_back(factor * std::pow(10, decade));
  return values;
}

}  // namespace

std::vector<double> AxisScale::ticks() const {
  if (!logarithmic) return round_values(low, high);
  const std::vector<double> factors = round_factors(low, high);
  return factors.size() > 1 ? factors : round_values(std::pow(10, low), std::pow(10, high));
}

}  // namespace n2s
