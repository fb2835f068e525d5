// The series of teaching kernels (bench/conv3x3_series): every step keeps the contract.
#include <doctest/doctest.h>

#include <string>

#include "bench/conv3x3_series/checker.h"

namespace n2s::series {
namespace {

/// Sides that no tile divides, channels that no block divides.
constexpr Shape kShapes[] = {
    {2, 10, 20, 32, 48, 1}, {1, 18, 34, 16, 16, 1}, {1, 12, 20, 48, 32, 2}, {2, 4, 4, 16, 48, 2}};

TEST_CASE("every step computes the convolution by its definition") {
  for (const Step& step : steps())
    for (const Shape& shape : kShapes) {
      CAPTURE(std::string(step.name));
      CAPTURE(shape.width);
      CHECK(error_of(step, shape) <= allowed_error(step));
    }
}

TEST_CASE("both steps compute the weight gradient by its definition") {
  for (const WeightGradientStep& step : weight_gradient_steps())
    for (const Shape& shape : {Shape{2, 6, 10, 16, 32, 1}, Shape{1, 20, 4, 32, 16, 1}}) {
      CAPTURE(std::string(step.name));
      CHECK(error_of(step, shape) <= kAllowedOfWeightGradient);
    }
}

}  // namespace
}  // namespace n2s::series
