// The advice for stacks where the right answer is known.
#include "analysis/advice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/kspace/kspace.h"
#include "tests/analysis/simulated_stacks.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

const StackContext kMicroscope{false, false, "microscopy", "percentile", 4};

Advice advice_for(const Stack& stack, const StackContext& context = kMicroscope) {
  return advise(inspect(planes_of(stack)), context);
}

bool says(const std::vector<std::string>& sentences, const std::string& text) {
  return std::ranges::any_of(sentences, [&](const std::string& s) { return s.find(text) != std::string::npos; });
}

/// Two planes out of each pair of consecutive ones: what interpolation along the stack makes.
Stack interpolated(const Stack& stack) {
  Stack result{2 * stack.planes - 1, stack.height, stack.width, {}};
  for (int plane = 0; plane < result.planes; ++plane)
    for (std::size_t i = 0; i < plane_pixels(stack); ++i) {
      const float before = plane_of(stack, plane / 2)[i];
      const float after = plane_of(stack, (plane + 1) / 2)[i];
      result.voxels.push_back((before + after) / 2);
    }
  return result;
}

}  // namespace

TEST_CASE("white noise: hidden pixels, with the planes around; the defaults where pixels must not be hidden") {
  for (const double noise : {30.0, 100.0})
    for (const std::uint32_t seed : seeds(4)) {
      const Advice advice = advice_for(with_white_noise(smooth_scene({}, 0.2, seed), noise, seed));
      CAPTURE(noise);
      CAPTURE(seed);
      CHECK(advice.trust == Trust::yes);
      CHECK(advice.method == "noise2self");
      CHECK(advice.planes == 5);
      CHECK(advice.gap == 0);
      CHECK(advice.network == "blind-spot");
      CHECK(advice.normalisation == "mean-std");
      CHECK(advice.warnings.empty());
      StackContext visible = kMicroscope;
      visible.may_hide_pixels = false;
      const Advice defaults = advice_for(with_white_noise(smooth_scene({}, 0.2, seed), noise, seed), visible);
      CHECK(defaults.trust == Trust::yes);
      CHECK(defaults.method == "noise2stack");
      CHECK(defaults.planes == 4);
      CHECK(defaults.network == "microscopy");
      CHECK(defaults.normalisation == "percentile");
    }
}

TEST_CASE("noise along lines does not disturb Noise2Stack, and would disturb Noise2Void") {
  const Normal normal(5);
  const Stack stack = with_noise(smooth_scene({}, 0.1, 5), [&](int z, int y, int x, float) {
    double sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += normal((static_cast<std::size_t>(z) * 512 + static_cast<std::size_t>(y)) * 512 +
                    static_cast<std::size_t>(x + i));
    return 30 * sum;
  });
  const Advice advice = advice_for(stack);
  CHECK(advice.trust == Trust::yes);
  CHECK(advice.method == "noise2stack");
  CHECK(contains(advice.because, "correlated"));
  CHECK(advice.gap == 0);
  CHECK(says(advice.reasons, "along rows"));
  CHECK(says(advice.reasons, "Noise2Void would keep it"));
}

TEST_CASE("noise that planes share after interpolation: a gap that leaves it behind") {
  for (const std::uint32_t seed : seeds(3)) {
    const Stack noisy = with_white_noise(smooth_scene({}, 0.1, seed), 80, seed);
    const Advice advice = advice_for(interpolated(noisy));
    CHECK(advice.method == "noise2stack");
    CHECK(advice.gap == 2);
    CHECK(advice.trust == Trust::with_care);
    CHECK(says(advice.warnings, "interpolation"));
  }
  const Stack few = interpolated(with_white_noise(smooth_scene({4, 128, 136}, 0.1, 1), 80, 1));
  const Advice advice = advice_for(few);
  CHECK(advice.gap == 0);
  CHECK(says(advice.warnings, "too short"));
}

TEST_CASE("a camera's pattern stays; planes that stand still in time are no pattern") {
  const Normal pattern(60);
  const auto with_pattern = [&](std::uint32_t seed) {
    return with_white_noise(
        with_noise(smooth_scene({30, 128, 136}, 0.3, seed),
                   [&](int, int y, int x, float) {
                     return 40 * pattern(static_cast<std::size_t>(y) * 136 + static_cast<std::size_t>(x));
                   }),
        50, seed);
  };
  for (const std::uint32_t seed : seeds(3)) {
    const Advice advice = advice_for(with_pattern(seed));
    CHECK(advice.trust == Trust::with_care);
    CHECK(advice.gap == 0);
    CHECK(says(advice.warnings, "fixed pattern"));
    StackContext time = kMicroscope;
    time.along_time = true;
    CHECK_FALSE(says(advice_for(with_pattern(seed), time).warnings, "fixed pattern"));
  }
}

TEST_CASE("neighbours that have nothing in common: a method for single planes") {
  for (const std::uint32_t seed : seeds(3)) {
    // Each plane a scene of its own.
    Stack stack{12, 128, 136, {}};
    for (std::uint32_t plane = 0; plane < 12; ++plane) {
      const Stack one = smooth_scene({1, 128, 136}, 0, 100 * seed + plane);
      stack.voxels.insert(stack.voxels.end(), one.voxels.begin(), one.voxels.end());
    }
    const Advice advice = advice_for(with_white_noise(stack, 50, seed));
    CHECK(advice.trust == Trust::no);
    CHECK(says(advice.warnings, "Noise2Void or BM3D"));
    // With a flat background the noise can be told from structure.
    const double mean =
        std::accumulate(stack.voxels.begin(), stack.voxels.end(), 0.0) / static_cast<double>(stack.voxels.size());
    for (std::size_t i = 0; i < stack.voxels.size(); ++i)
      if (i % 136 >= 68) stack.voxels[i] = static_cast<float>(mean);
    const Advice alone = advice_for(with_white_noise(stack, 50, seed));
    CHECK(alone.trust == Trust::yes);
    CHECK(alone.method == "noise2self");
    CHECK(alone.planes == 1);
  }
  CHECK(advice_for(with_white_noise(smooth_scene({1, 64, 64}, 0, 1), 50, 1)).trust == Trust::no);
}

TEST_CASE("undersampled k-space: the paper's MRI experiment") {
  const Stack scene = smooth_scene({16, 128, 136}, 0.1, 8);
  const Fft2d fft(128, 136);
  const KspaceSampling sampling = kspace_sampling(128, 136, 0.1);
  Stack sampled = with_white_noise(scene, 20, 8);
  for (int plane = 0; plane < scene.planes; ++plane) {
    const std::vector<float> clean(plane_of(sampled, plane).begin(), plane_of(sampled, plane).end());
    kspace_corrupt(fft, sampling, kspace_mask(sampling, {1, Purpose::test, 0, static_cast<std::uint32_t>(plane), 0}),
                   clean, plane_of(sampled, plane));
  }
  const Advice advice = advice_for(sampled);
  CHECK(advice.method == "noise2stack");
  CHECK(contains(advice.because, "missing at random"));
  CHECK(advice.network == "mri");
  CHECK(advice.normalisation == "robust-range");
  CHECK(advice.gap == 0);
  CHECK(says(advice.reasons, "missing at random"));
}

TEST_CASE("a clean stack has little to gain") {
  CHECK(says(advice_for(with_white_noise(smooth_scene({}, 0.1, 9), 0.5, 9)).warnings, "hardly any noise"));
}

TEST_CASE("sparse data: no claim that cannot be measured") {
  Stack stack{12, 64, 64, std::vector<float>(std::size_t{12} * 64 * 64)};
  for (std::uint32_t i = 0; i < 50; ++i)
    stack.voxels[random_below({3, Purpose::test, 0, 0, 0}, i, static_cast<std::uint32_t>(stack.voxels.size()))] = 500;
  const Advice advice = advice_for(stack);
  CHECK(advice.trust == Trust::with_care);
  CHECK(says(advice.warnings, "sparse"));
  CHECK_FALSE(says(advice.warnings, "align"));
  CHECK(advice.planes == 4);
}
