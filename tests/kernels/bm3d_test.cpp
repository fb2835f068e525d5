// Block matching and BM3D on the CPU against their definitions; the transforms against PyWavelets, SciPy and NumPy.
#include "kernels/bm3d/bm3d.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/bm3d/transforms.h"
#include "tests/kernels/scene.h"

using namespace n2s;
using namespace n2s::test;

namespace {

std::vector<double> times(const std::vector<float>& matrix, const std::vector<double>& vector) {
  std::vector<double> result(vector.size());
  for (std::size_t i = 0; i < vector.size(); ++i)
    for (std::size_t j = 0; j < vector.size(); ++j) result[i] += double{matrix[i * vector.size() + j]} * vector[j];
  return result;
}

bool is_close(const std::vector<double>& a, const std::vector<double>& b, double limit) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](double x, double y) { return std::abs(x - y) <= limit; });
}

std::vector<float> denoised(const Bm3dProblem& problem, const std::vector<float>& noisy, int threads = 2) {
  ThreadPool pool(threads);
  std::vector<float> restored(noisy.size());
  bm3d(problem, noisy, restored, pool);
  return restored;
}

double mean_square(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return sum / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("block matching finds the blocks that the definition finds, in its order") {
  for (const PlaneSize size : {PlaneSize{8, 8}, {8, 41}, {13, 9}, {37, 50}})
    for (const BlockSearch search :
         {BlockSearch{8, 3, 19, 16, 9}, {8, 3, 19, 32, 300}, {8, 4, 5, 8, 12}, {7, 1, 2, 4, 1e9F}}) {
      CAPTURE(size.height);
      CAPTURE(size.width);
      CAPTURE(search.reach);
      const SlackPlane plane(random_values(size.pixels(), 5), size);
      const std::vector<Shift> order = search_order(search.reach);
      std::vector<float> scratch;
      BlockGroups found;
      BlockGroups expected;
      for (int row = 0; row < reference_count(size.height, search.block, search.step); ++row) {
        match_blocks(plane.view, search, order, row, found, scratch);
        match_blocks_reference(plane.view, search, order, row, expected);
        REQUIRE(found.counts == expected.counts);
        const auto most = static_cast<std::size_t>(search.most);
        for (std::size_t i = 0; i < found.counts.size(); ++i)
          for (std::size_t j = 0; j < static_cast<std::size_t>(found.counts[i]); ++j)
            REQUIRE(found.members[i * most + j] == expected.members[i * most + j]);
      }
    }
}

TEST_CASE("of equally similar blocks the nearer ones are taken, the reference first") {
  const PlaneSize size{30, 30};
  const SlackPlane plane(std::vector<float>(size.pixels(), 0.5F), size);
  const BlockSearch search{8, 3, 4, 5, 1};
  const std::vector<Shift> order = search_order(search.reach);
  BlockGroups found;
  std::vector<float> scratch;
  match_blocks(plane.view, search, order, 3, found, scratch);
  CHECK(found.counts[3] == 5);
  for (std::uint16_t i = 0; i < 5; ++i) CHECK(found.members[15 + i] == i);
  CHECK((order[0].y == 0 && order[0].x == 0));
}

TEST_CASE("the wavelet is PyWavelets' bior1.5, periodic, with rows of unit norm; its inverse inverts it") {
  const BlockTransform wavelet = wavelet_transform(8);
  const std::vector<double> x{3, 1, -2, 5, 0, 7, -4, 2};
  const std::vector<double> expected{4.242641, -0.480629, 1.153902,  3.704632,
                                     1.414214, -4.949747, -4.949747, -4.242641};
  CHECK(is_close(times(wavelet.forward, x), expected, 1e-5));
  CHECK(is_close(times(wavelet.inverse, times(wavelet.forward, x)), x, 1e-5));
}

TEST_CASE("the cosine transform is SciPy's orthonormal DCT-II, the window NumPy's Kaiser window with beta 2") {
  const BlockTransform cosine = cosine_transform(8);
  const std::vector<double> x{3, 1, -2, 5, 0, 7, -4, 2};
  const std::vector<double> expected{4.242641, 0.556726, -1.530734, 2.952617, 2.828427, -0.973411, 3.695518, -7.484957};
  CHECK(is_close(times(cosine.forward, x), expected, 1e-5));
  CHECK(is_close(times(cosine.inverse, expected), x, 1e-5));
  const std::vector<double> line{0.438676, 0.681324, 0.876840, 0.985823, 0.985823, 0.876840, 0.681324, 0.438676};
  const std::vector<float> window = kaiser_window(8);
  for (std::size_t i = 0; i < 64; ++i)
    CHECK(double{window[i]} == doctest::Approx(line[i / 8] * line[i % 8]).epsilon(1e-5));
}

TEST_CASE("BM3D equals its definition") {
  for (const PlaneSize size : {PlaneSize{8, 8}, {31, 42}}) {
    const std::vector<float> noisy = with_noise(scene(size), 12, 3);
    Bm3dProblem problem{.height = size.height, .width = size.width, .sigma = 12};
    problem.threshold.reach = problem.wiener.reach = 9;
    std::vector<double> first(noisy.size());
    std::vector<double> expected(noisy.size());
    bm3d_reference(problem, noisy, first, expected);
    const std::vector<float> restored = denoised(problem, noisy);
    for (std::size_t i = 0; i < noisy.size(); ++i) REQUIRE(std::abs(double{restored[i]} - expected[i]) < 0.01);
  }
}

TEST_CASE("BM3D removes most of the noise, on any number of threads alike, and does not depend on the values' units") {
  const PlaneSize size{70, 91};
  const std::vector<float> clean = scene(size);
  const std::vector<float> noisy = with_noise(clean, 20, 8);
  const Bm3dProblem problem{.height = size.height, .width = size.width, .sigma = 20};
  const std::vector<float> restored = denoised(problem, noisy);
  CHECK(mean_square(restored, clean) < 0.12 * mean_square(noisy, clean));
  CHECK(denoised(problem, noisy, 1) == restored);
  CHECK(denoised(problem, noisy, 3) == restored);
  std::vector<float> other_units = noisy;
  for (float& value : other_units) value = value / 1024 - 3;
  std::vector<float> back = denoised({.height = size.height, .width = size.width, .sigma = 20 / 1024.0}, other_units);
  for (float& value : back) value = (value + 3) * 1024;
  CHECK(mean_square(back, restored) < 0.1);
}

TEST_CASE("values near the ends of what a float holds are restored as others") {
  const PlaneSize size{24, 24};
  const std::vector<float> noisy = with_noise(scene(size), 10, 5);
  const std::vector<float> expected = denoised({.height = 24, .width = 24, .sigma = 10}, noisy);
  for (const double unit : {1e-30, 1e35}) {
    std::vector<float> other = noisy;
    for (float& value : other) value = static_cast<float>(double{value} * unit);
    std::vector<float> restored = denoised({.height = 24, .width = 24, .sigma = 10 * unit}, other);
    for (float& value : restored) value = static_cast<float>(double{value} / unit);
    CHECK(mean_square(restored, expected) < 0.1);
  }
}

TEST_CASE("planes of any size are taken, constant ones stay as they are") {
  for (const PlaneSize size : {PlaneSize{1, 1}, {1, 30}, {7, 3}, {9, 200}}) {
    const std::vector<float> noisy = with_noise(std::vector<float>(size.pixels(), 100.0F), 10, 2);
    for (const float value : denoised({.height = size.height, .width = size.width, .sigma = 10}, noisy))
      CHECK(std::abs(value - 100) < 40);
    const std::vector<float> constant(size.pixels(), 7.5F);
    CHECK(denoised({.height = size.height, .width = size.width, .sigma = 1}, constant) == constant);
  }
}

TEST_CASE("what makes no sense is refused") {
  const std::vector<float> plane(100, 1);
  CHECK_THROWS_AS(denoised({.height = 10, .width = 9, .sigma = 1}, plane), Error);
  CHECK_THROWS_AS(denoised({.height = 10, .width = 10, .sigma = 0}, plane), Error);
  CHECK_THROWS_AS(denoised({.height = 10, .width = 10, .sigma = NAN}, plane), Error);
}
