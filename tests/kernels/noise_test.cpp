// Camera noise against the reference, pixel by pixel, and the reference's statistics against the model's. The same
// function runs on the GPU: tests/cuda/gather_planes_cuda_test.cpp.
#include "kernels/noise/noise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

using namespace n2s;

namespace {

constexpr PixelNoise kNoises[]{{0, 25}, {2, 0}, {0.5, 5}, {30, 1}};

RandomKey plane_key(std::uint32_t plane) {
  return {7, Purpose::noise_input, 3, plane, 0};
}

}  // namespace

TEST_CASE(
    "pixels get the reference's noise: no events, few, up to where the normal distribution takes over, and beyond") {
  for (const PixelNoise& noise : kNoises)
    for (const float clean : {-3.0F, 0.0F, 0.25F, 4.0F, 60.0F, 99.0F, 101.0F, 199.0F, 201.0F, 3000.0F}) {
      CAPTURE(noise.gain);
      CAPTURE(clean);
      double largest = 0;
      for (std::uint32_t index = 0; index < 2000; ++index) {
        const double expected = with_noise_reference(noise, clean, plane_key(1), index);
        largest = std::max(largest, std::abs(with_noise(noise, clean, plane_key(1), index) - expected));
      }
      CHECK(largest <= 1e-7 * 3000);  // floats near the largest values
    }
}

TEST_CASE("pixels that are stored normalised get the noise of their value in the file's units") {
  const PixelUnits units{1.0 / 256, -0.5};
  for (const PixelNoise& noise : kNoises)
    for (std::uint32_t index = 0; index < 500; ++index) {
      const float normalised = static_cast<float>(index) / 500 - 0.5F;
      const double clean = static_cast<float>((normalised - units.offset) / units.scale);
      const double expected = with_noise_reference(noise, clean, plane_key(2), index) * units.scale + units.offset;
      CHECK(std::abs(with_noise(noise, units, normalised, plane_key(2), index) - expected) < 1e-6);
    }
}

TEST_CASE("the reference has the model's mean x and variance gain x + sigma^2") {
  constexpr std::uint32_t kDraws = 20000;
  for (const PixelNoise& noise : kNoises)
    for (const double clean : {0.5, 20.0, 150.0, 900.0}) {
      CAPTURE(noise.gain);
      CAPTURE(clean);
      double sum = 0, squares = 0;
      for (std::uint32_t index = 0; index < kDraws; ++index) {
        const double deviation = with_noise_reference(noise, clean, plane_key(3), index) - clean;
        sum += deviation;
        squares += deviation * deviation;
      }
      const double variance = noise.gain * clean + noise.sigma * noise.sigma;
      CHECK(std::abs(sum / kDraws) < 5 * std::sqrt(variance / kDraws));
      CHECK(squares / kDraws == doctest::Approx(variance).epsilon(0.1));
    }
}

TEST_CASE("another key gives other noise") {
  int equal = 0;
  for (std::uint32_t index = 0; index < 1000; ++index)
    equal += with_noise({2, 5}, 40, plane_key(1), index) == with_noise({2, 5}, 40, plane_key(2), index) ? 1 : 0;
  CHECK(equal == 0);
}
