// Non-local means on the CPU against its definition and against scikit-image.
#include "kernels/nlm/nlm.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"
#include "tests/kernels/scene.h"
#include "tests/kernels/scikit_image_nlm.h"

using namespace n2s;
using namespace n2s::test;

namespace {

std::vector<float> denoised(const NlmProblem& problem, const std::vector<float>& noisy, int threads = 2) {
  ThreadPool pool(threads);
  std::vector<float> restored(noisy.size());
  nlm(problem, noisy, restored, pool);
  return restored;
}

}  // namespace

TEST_CASE("non-local means equals its definition, within planes and across them") {
  for (const NlmProblem& problem : {NlmProblem{1, 17, 30, 7, 5, false, 12, 0},
                                    {2, 9, 33, 3, 4, false, 9, 10},
                                    {5, 8, 18, 5, 2, true, 12, 10},
                                    {1, 1, 1, 3, 2, false, 1, 0},
                                    {3, 2, 5, 3, 3, true, 20, 0}}) {
    std::vector<float> noisy;
    for (int plane = 0; plane < problem.planes; ++plane) {
      const std::vector<float> one =
          with_noise(scene({problem.height, problem.width}), 10, 40 + static_cast<std::uint64_t>(plane));
      noisy.insert(noisy.end(), one.begin(), one.end());
    }
    std::vector<double> expected(noisy.size());
    nlm_reference(problem, noisy, expected);
    const std::vector<float> restored = denoised(problem, noisy);
    for (std::size_t i = 0; i < noisy.size(); ++i) REQUIRE(std::abs(double{restored[i]} - expected[i]) < 2e-3);
    CHECK(denoised(problem, noisy, 1) == restored);
  }
}

TEST_CASE("non-local means equals scikit-image's") {
  const std::vector<float> plane = denoised({1, 14, 18, 5, 6, false, 0.08, 0.08}, {kPlane.begin(), kPlane.end()});
  for (std::size_t i = 0; i < plane.size(); ++i) CHECK(std::abs(plane[i] - kPlaneRestored[i]) < 1e-5F);
  const std::vector<float> volume = denoised({3, 7, 8, 3, 2, true, 0.1, 0}, {kVolume.begin(), kVolume.end()});
  for (std::size_t i = 0; i < volume.size(); ++i) CHECK(std::abs(volume[i] - kVolumeRestored[i]) < 1e-5F);
}

TEST_CASE("the values' units do not matter, though their squares may not fit into a float") {
  const std::vector<float> plane = with_noise(scene({20, 24}), 10, 4);
  const std::vector<float> expected = denoised({1, 20, 24, 5, 4, false, 9, 10}, plane);
  for (const double unit : {1e-30, 1e34}) {
    std::vector<float> other = plane;
    for (float& value : other) value = static_cast<float>(double{value} * unit);
    const std::vector<float> restored = denoised({1, 20, 24, 5, 4, false, 9 * unit, 10 * unit}, other);
    for (std::size_t i = 0; i < plane.size(); ++i)
      CHECK(double{restored[i]} / unit == doctest::Approx(expected[i]).epsilon(1e-4));
  }
}

TEST_CASE("non-local means refuses what makes no sense") {
  const std::vector<float> plane(100, 1);
  CHECK_THROWS_AS(denoised({1, 10, 9, 7, 11, false, 1, 0}, plane), Error);
  CHECK_THROWS_AS(denoised({1, 10, 10, 6, 11, false, 1, 0}, plane), Error);
  CHECK_THROWS_AS(denoised({1, 10, 10, 1, 11, false, 1, 0}, plane), Error);
  CHECK_THROWS_AS(denoised({1, 10, 10, 7, -1, false, 1, 0}, plane), Error);
  CHECK_THROWS_AS(denoised({1, 10, 10, 7, 11, false, 0, 0}, plane), Error);
  CHECK_THROWS_AS(denoised({1, 10, 10, 7, 11, false, 1, -1}, plane), Error);
}
