// The noise of single planes where it is known, and the generalised Anscombe transform.
#include "analysis/white_noise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "analysis/anscombe.h"
#include "kernels/base/error.h"
#include "kernels/noise/noise.h"
#include "tests/analysis/simulated_stacks.h"

using namespace n2s;
using namespace n2s::test;

namespace {

/// Brightness from 5 to 300 with edges and fine stripes, such as a photograph has.
Stack photograph(int planes) {
  Stack stack{planes, 200, 210, {}};
  for (int p = 0; p < planes; ++p)
    for (int y = 0; y < stack.height; ++y)
      for (int x = 0; x < stack.width; ++x) {
        const bool is_striped = y > 150 && x > 100;
        const double value =
            10 + 1.2 * x + (std::hypot(y - 60, x - 80 - p) < 40 ? 40 : 0) + (is_striped ? 30 * std::sin(2.1 * x) : 0);
        stack.voxels.push_back(static_cast<float>(value));
      }
  return stack;
}

Stack corrupted(Stack stack, const PixelNoise& noise) {
  for (std::size_t i = 0; i < stack.voxels.size(); ++i)
    stack.voxels[i] = with_noise(noise, stack.voxels[i], {9, Purpose::test, 0, static_cast<std::uint32_t>(i >> 20U), 0},
                                 static_cast<std::uint32_t>(i & 0xFFFFFU));
  return stack;
}

/// Outside a circle of `radius` pixels.
Stack masked(Stack stack, double radius, float outside) {
  for (int p = 0; p < stack.planes; ++p)
    for (int y = 0; y < stack.height; ++y)
      for (int x = 0; x < stack.width; ++x)
        if (std::hypot(y - stack.height / 2, x - stack.width / 2) > radius)
          plane_of(
              stack,
              p)[static_cast<std::size_t>(y) * static_cast<std::size_t>(stack.width) + static_cast<std::size_t>(x)] =
              outside;
  return stack;
}

}  // namespace

TEST_CASE("what a mask covers is no part of the noise") {
  const Stack noisy = corrupted(photograph(5), {0, 15});
  const Stack camera = corrupted(photograph(5), {2, 10});
  for (const float outside : {0.0F, 130.0F, 1000.0F, std::nanf("")})
    for (const double radius : {95.0, 60.0, 30.0}) {
      CAPTURE(outside);
      CAPTURE(radius);
      CHECK(white_noise_deviation(planes_of(masked(noisy, radius, outside))) == doctest::Approx(15).epsilon(0.08));
      if (radius < 60) continue;
      CHECK(camera_noise(planes_of(masked(noisy, radius, outside))).growth < 1.5);
      const CameraNoise found = camera_noise(planes_of(masked(camera, radius, outside)));
      CHECK(found.line.gain == doctest::Approx(2).epsilon(0.15));
      CHECK(found.growth > 2);
    }
  // Planes without anything at both ends of a stack.
  Stack ends = noisy;
  for (const int plane : {0, 1, 4}) std::fill(plane_of(ends, plane).begin(), plane_of(ends, plane).end(), 0.0F);
  CHECK(white_noise_deviation(planes_of(ends)) == doctest::Approx(15).epsilon(0.08));
  // A drawing without noise: edges are not taken for some.
  Stack drawing = photograph(1);
  for (float& value : drawing.voxels) value = value > 150 ? 200.0F : value > 90 ? 120.0F : 40.0F;
  CHECK(white_noise_deviation(planes_of(drawing)) == doctest::Approx(0));
}

TEST_CASE("white noise is measured within 5 % among edges and stripes") {
  for (const double sigma : {5.0, 15.0, 75.0}) {
    CAPTURE(sigma);
    const Stack noisy = corrupted(photograph(1), {0, sigma});
    CHECK(white_noise_deviation(noisy.voxels, noisy.height, noisy.width) == doctest::Approx(sigma).epsilon(0.05));
    const Stack stack = corrupted(photograph(5), {0, sigma});
    CHECK(white_noise_deviation(planes_of(stack)) == doctest::Approx(sigma).epsilon(0.05));
  }
}

TEST_CASE("voxels that are not finite do not disturb the measurement; a constant plane has no noise") {
  Stack noisy = corrupted(photograph(2), {0, 20});
  for (std::size_t i = 0; i < noisy.voxels.size(); i += 997) noisy.voxels[i] = NAN;
  CHECK(white_noise_deviation(planes_of(noisy)) == doctest::Approx(20).epsilon(0.08));
  const Stack constant{1, 20, 20, std::vector<float>(400, 3.0F)};
  CHECK(white_noise_deviation(planes_of(constant)) == doctest::Approx(0));
  const Stack small{1, 15, 20, std::vector<float>(300, 3.0F)};
  CHECK_THROWS_AS(white_noise_deviation(planes_of(small)), Error);
}

TEST_CASE("gain and read noise of a camera are found within 10 %") {
  for (const PixelNoise& noise : {PixelNoise{1, 3}, PixelNoise{2, 10}, PixelNoise{0.5, 6}}) {
    CAPTURE(noise.gain);
    for (const int planes : {1, 6}) {
      const Stack noisy = corrupted(photograph(planes), noise);
      const PoissonGaussian found = camera_noise(planes_of(noisy)).line;
      CHECK(found.gain == doctest::Approx(noise.gain).epsilon(0.1));
      CHECK(std::sqrt(std::max(0.0, found.offset)) == doctest::Approx(noise.sigma).epsilon(0.1));
    }
  }
  const Stack constant{1, 100, 100, std::vector<float>(10000, 3.0F)};
  CHECK_THROWS_AS(camera_noise(planes_of(constant)), Error);
}

TEST_CASE("a camera's noise grows with the signal, Gaussian noise does not") {
  for (const double sigma : {5.0, 15.0, 50.0})
    CHECK(camera_noise(planes_of(corrupted(photograph(1), {0, sigma}))).growth < 1.5);
  for (const PixelNoise& noise : {PixelNoise{1, 3}, PixelNoise{10, 5}, PixelNoise{2, 0}})
    CHECK(camera_noise(planes_of(corrupted(photograph(1), noise))).growth > 2.5);
}

TEST_CASE("the Anscombe transform makes the noise's deviation 1, and its inverse is unbiased") {
  for (const PixelNoise& noise : {PixelNoise{1, 0.5}, PixelNoise{3, 6}, PixelNoise{0.25, 0}}) {
    const Anscombe transform({noise.gain, noise.sigma * noise.sigma});
    for (const double events : {0.7, 3.0, 20.0, 150.0}) {
      CAPTURE(events);
      constexpr int kDraws = 60000;
      double sum = 0;
      double squares = 0;
      for (std::uint32_t i = 0; i < kDraws; ++i) {
        const double value = double{transform.forward(
            with_noise(noise, static_cast<float>(events * noise.gain), {3, Purpose::test, 0, 0, 0}, i))};
        sum += value;
        squares += value * value;
      }
      const double mean = sum / kDraws;
      if (events > 3) CHECK(std::sqrt(squares / kDraws - mean * mean) == doctest::Approx(1).epsilon(0.03));
      CHECK(double{transform.inverse(static_cast<float>(mean))} / noise.gain == doctest::Approx(events).epsilon(0.02));
    }
  }
}

TEST_CASE("the inverse goes over smoothly from the table to the asymptotic form, and ends at the black level") {
  const Anscombe transform({2, 9});
  float before = transform.inverse(0);
  CHECK(before == 0);
  for (int i = 1; i < 4000; ++i) {
    const float mean = static_cast<float>(i) * 0.01F;
    const float now = transform.inverse(mean);
    CHECK(now >= before);
    CHECK(now - before < 2 * 0.01F * (mean / 2 + 2));
    before = now;
  }
  CHECK(Anscombe({2, -200}).inverse(0) == doctest::Approx(100));
  CHECK_THROWS_AS(Anscombe({0, 1}), Error);
}
