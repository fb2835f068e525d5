// The built-in volume must be fit to show denoising: values in range, structure, planes that resemble their neighbours.
#include "data/phantom.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"

using namespace n2s;

namespace {

double correlation(const Stack& stack, int a, int b) {
  const std::size_t pixels = static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
  const float* x = stack.voxels.data() + static_cast<std::size_t>(a) * pixels;
  const float* y = stack.voxels.data() + static_cast<std::size_t>(b) * pixels;
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    sx += x[i], sy += y[i];
    sxx += static_cast<double>(x[i]) * x[i], syy += static_cast<double>(y[i]) * y[i];
    sxy += static_cast<double>(x[i]) * y[i];
  }
  const double n = static_cast<double>(pixels);
  return (sxy - sx * sy / n) / std::sqrt((sxx - sx * sx / n) * (syy - sy * sy / n));
}

}  // namespace

TEST_CASE("the phantom: dimensions, range, dark corners, a head in every plane") {
  constexpr std::ptrdiff_t kPixels = std::ptrdiff_t{96} * 80;
  const Stack head = head_phantom(20, 96, 80);
  CHECK((head.planes == 20 && head.height == 96 && head.width == 80));
  REQUIRE(head.voxels.size() == 20 * kPixels);
  for (const float value : head.voxels) REQUIRE((value >= 0 && value <= 1));
  for (std::ptrdiff_t plane = 0; plane < 20; ++plane) {
    const auto first = head.voxels.begin() + plane * kPixels;
    CHECK(*first == 0);
    CHECK(*(first + kPixels - 1) == 0);
    CHECK(*std::max_element(first, first + kPixels) > 0.4F);
    CHECK(std::count_if(first, first + kPixels, [](float value) { return value > 0.1F; }) > kPixels / 10);
  }
}

TEST_CASE("the phantom: planes resemble their neighbours more than planes far away, and are not the same") {
  const Stack head = head_phantom(60, 64, 64);
  double sum = 0;
  for (int plane = 0; plane + 1 < 60; ++plane) {
    const double neighbours = correlation(head, plane, plane + 1);
    CHECK(neighbours > 0.8);
    CHECK(neighbours < 1 - 1e-6);
    sum += neighbours;
  }
  CHECK(sum / 59 > 0.95);
  CHECK(correlation(head, 5, 30) < correlation(head, 29, 30));
  CHECK(head.voxels == head_phantom(60, 64, 64).voxels);
}

TEST_CASE("the phantom: any size, but not none") {
  CHECK(head_phantom(1, 1, 1).voxels.size() == 1);
  CHECK_THROWS_AS(head_phantom(0, 8, 8), Error);
  CHECK_THROWS_AS(head_phantom(8, -8, 8), Error);
}
