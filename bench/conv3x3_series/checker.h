// The one checker of all steps: a problem with its device memory, and how far a step's results are from the definition,
// which is computed in double.
#pragma once

#include <string>

#include "bench/conv3x3_series/series.h"

namespace n2s::series {

struct Shape {
  int images, height, width, inputs, outputs, doubling;
};

/// The largest difference of a value, out of `pooled` too, relative to the largest value. Infinite where one is not
/// finite. Throws Error where a kernel fails.
double error_of(const Step& step, const Shape& shape);
double error_of(const WeightGradientStep& step, const Shape& shape);

/// The bound that a step has to keep: rounding of fp16 where it reads that, of fp32 sums elsewhere.
double allowed_error(const Step& step);
inline constexpr double kAllowedOfWeightGradient = 1e-5;

/// Runs a step once. Throws Error where a kernel fails.
void run_once(const Step& step, const Shape& shape);
void run_once(const WeightGradientStep& step, const Shape& shape);

/// Milliseconds, the median of repetitions that take half a second together. Throws Error.
double milliseconds(const Step& step, const Shape& shape);
double milliseconds(const WeightGradientStep& step, const Shape& shape);

}  // namespace n2s::series
