// What is measured of simulated stacks, against what they were made with.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "analysis/inspection.h"
#include "kernels/base/error.h"
#include "kernels/kspace/kspace.h"
#include "tests/analysis/simulated_stacks.h"

using namespace n2s;
using namespace n2s::test;

namespace {

bool near(double value, double expected, double tolerance) {
  return std::abs(value - expected) <= tolerance;
}

Inspection inspected(const Stack& stack) {
  return inspect(planes_of(stack));
}

/// Noise that is the same in several places: the mean of `length` independent values one pixel or plane apart, with the
/// deviation of one.
Stack with_averaged_noise(const Stack& scene, double deviation, int length, int z_step, int x_step,
                          std::uint32_t seed) {
  const Normal normal(seed);
  const auto at = [&](int z, int y, int x) {
    return normal((static_cast<std::size_t>(z) * 512 + static_cast<std::size_t>(y)) * 512 +
                  static_cast<std::size_t>(x));
  };
  return with_noise(scene, [&](int z, int y, int x, float) {
    double sum = 0;
    for (int i = 0; i < length; ++i) sum += at(z + i * z_step, y, x + i * x_step);
    return deviation * sum / std::sqrt(length);
  });
}

}  // namespace

TEST_CASE("the level of Gaussian noise, and that it does not grow with the signal") {
  for (const double deviation : {20.0, 60.0, 150.0})
    for (const std::uint32_t seed : seeds(3)) {
      const Stack stack = with_white_noise(smooth_scene({}, 0.1, seed), deviation, seed);
      const NoiseLevel noise = inspected(stack).noise;
      CHECK(near(noise.deviation / deviation, 1, 0.05));
      CHECK_FALSE(noise.grows_with_signal);
      CHECK(near(std::sqrt(noise.mean_variance) / deviation, 1, 0.05));
    }
}

TEST_CASE("gain and offset of Poisson-Gaussian noise") {
  for (const double gain : {2.0, 8.0, 30.0})
    for (const std::uint32_t seed : seeds(2)) {
      const Normal normal(seed);
      std::size_t index = 0;
      Stack scene = smooth_scene({}, 0.05, seed);
      for (float& value : scene.voxels) value = std::max(50.0F, 1000 + 2.2F * (value - 1000));
      const Stack stack = with_noise(
          scene, [&](int, int, int, float value) { return std::sqrt(gain * value + 100) * normal(index++); });
      const NoiseLevel noise = inspected(stack).noise;
      CHECK(noise.grows_with_signal);
      CAPTURE(gain);
      CAPTURE(noise.gain);
      CHECK(near(noise.gain / gain, 1, 0.1));
      CHECK(near(noise.deviation / std::sqrt(gain * noise.value + 100), 1, 0.05));
    }
}

TEST_CASE("white noise is correlated nowhere") {
  const Stack stack = with_white_noise(smooth_scene({}, 0.1, 4), 60, 4);
  const NoiseCorrelation c = inspected(stack).correlation;
  CHECK(c.blocks > 100);
  for (std::size_t lag = 1; lag < NoiseCorrelation::kLags; ++lag) {
    CHECK(near(c.along_x.at(lag), 0, 0.05));
    CHECK(near(c.along_y.at(lag), 0, 0.05));
  }
  for (const double value : c.between_planes) CHECK(near(value, 0, 0.03));
  CHECK(near(c.far, 0, 0.05));
  CHECK(std::max(c.far_rows, c.far_columns) < 0.45);
}

TEST_CASE("noise along rows: means of four pixels have 0.75, 0.5 and 0.25") {
  const Stack stack = with_averaged_noise(smooth_scene({}, 0.05, 5), 60, 4, 0, 1, 5);
  const Inspection found = inspected(stack);
  CHECK(near(found.correlation.along_x[1], 0.75, 0.05));
  CHECK(near(found.correlation.along_x[2], 0.5, 0.07));
  CHECK(near(found.correlation.along_x[3], 0.25, 0.09));
  CHECK(near(found.correlation.along_y[1], 0, 0.06));
  CHECK(near(found.noise.deviation / 60, 1, 0.1));
}

TEST_CASE("noise between planes: means of two planes have 0.5, of three 0.67 and 0.33") {
  const Stack two = with_averaged_noise(smooth_scene({}, 0.05, 6), 60, 2, 1, 0, 6);
  const std::vector<double> of_two = inspected(two).correlation.between_planes;
  CHECK(near(of_two[0], 0.5, 0.03));
  CHECK(near(of_two[1], 0, 0.03));
  const Stack three = with_averaged_noise(smooth_scene({}, 0.05, 6), 60, 3, 1, 0, 6);
  const std::vector<double> of_three = inspected(three).correlation.between_planes;
  CHECK(near(of_three[0], 2.0 / 3, 0.03));
  CHECK(near(of_three[1], 1.0 / 3, 0.03));
  CHECK(near(of_three[2], 0, 0.03));
}

TEST_CASE("a fixed pattern shows in planes that are far apart, with its share of the variance") {
  const Normal pattern(70);
  const Stack scene = smooth_scene({40, 128, 136}, 0.3, 7);
  const Stack fixed = with_white_noise(
      with_noise(scene,
                 [&](int, int y, int x, float) {
                   return 40 * pattern(static_cast<std::size_t>(y) * 136 + static_cast<std::size_t>(x));
                 }),
      40, 7);
  CHECK(near(inspected(fixed).correlation.far, 0.5, 0.05));
  const Stack stripes = with_white_noise(
      with_noise(scene, [&](int, int, int x, float) { return 30 * pattern(static_cast<std::size_t>(x)); }), 40, 7);
  const NoiseCorrelation c = inspected(stripes).correlation;
  CHECK(c.far_columns > 0.8);
  CHECK(near(c.far, 0, 0.05));
}

TEST_CASE("similarity without noise is that of the scene") {
  const Stack scene = smooth_scene({}, 0.8, 8);
  const Similarity clean = inspected(with_white_noise(scene, 1, 8)).similarity;
  const Similarity noisy = inspected(with_white_noise(scene, 120, 8)).similarity;
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(noisy.distances[i].correlation < clean.distances[i].correlation - 0.1);
    CHECK(near(noisy.distances[i].without_noise, clean.distances[i].correlation, 0.06));
    CHECK(noisy.distances[i].ssim < clean.distances[i].ssim);
  }
  CHECK(near(std::sqrt(noisy.noise_variance) / 120, 1, 0.15));
}

TEST_CASE("shifts between planes, in both directions, by fractions of a pixel too") {
  for (const auto& [down, right] : {std::pair{0.0, 3.0}, {-2.0, 1.5}, {4.5, 0.0}}) {
    Stack stack{10, 128, 136, {}};
    const Normal normal(9);
    std::vector<double> waves;
    for (std::size_t i = 0; i < 120; ++i) waves.push_back(normal(i));
    for (int z = 0; z < stack.planes; ++z)
      for (int y = 0; y < stack.height; ++y)
        for (int x = 0; x < stack.width; ++x) {
          double sum = 0;
          for (std::size_t i = 0; i < waves.size(); i += 3)
            sum +=
                std::cos(0.25 * waves[i] * (y - down * z) + 0.25 * waves[i + 1] * (x - right * z) + 3 * waves[i + 2]);
          stack.voxels.push_back(static_cast<float>(1000 + 60 * sum));
        }
    const std::vector<Shift> shifts = inspected(with_white_noise(stack, 30, 9)).shifts;
    REQUIRE(shifts.size() > 3);
    std::vector<double> y, x;
    for (const Shift& shift : shifts) {
      y.push_back(shift.y);
      x.push_back(shift.x);
    }
    std::sort(y.begin(), y.end());
    std::sort(x.begin(), x.end());
    CHECK(near(y[y.size() / 2], down, 0.4));
    CHECK(near(x[x.size() / 2], right, 0.4));
    CHECK(near(typical_shift(shifts), std::hypot(down, right), 0.4));
  }
}

TEST_CASE("faulty planes: empty, repeated, flashes, steps, bleaching, NaN") {
  Stack stack = with_white_noise(smooth_scene({}, 0.1, 10), 40, 10);
  const std::size_t pixels = plane_pixels(stack);
  std::ranges::fill(plane_of(stack, 3), 0.0F);
  std::ranges::fill(plane_of(stack, 4), std::numeric_limits<float>::quiet_NaN());
  std::ranges::copy(plane_of(stack, 8), plane_of(stack, 9).begin());
  for (float& value : plane_of(stack, 15)) value *= 2;
  for (std::size_t i = 20 * pixels; i < stack.voxels.size(); ++i) stack.voxels[i] += 600;
  stack.voxels[0] = std::numeric_limits<float>::infinity();
  const Inspection found = inspected(stack);
  CHECK(found.empty == std::vector{3, 4});
  CHECK(found.repeated == std::vector{9});
  CHECK(found.jumps == std::vector{15, 20});
  CHECK(found.survey.not_finite == pixels + 1);

  Stack bleached = with_white_noise(smooth_scene({}, 0.02, 11), 40, 11);
  for (int plane = 0; plane < bleached.planes; ++plane)
    for (float& value : plane_of(bleached, plane)) value *= 1 - 0.5F * static_cast<float>(plane) / 23;
  CHECK(near(inspected(bleached).trend, -0.67, 0.1));  // from 1.33 to 0.67 of the median
  CHECK(inspected(bleached).jumps.empty());
}

TEST_CASE("saturation and hot pixels") {
  Stack stack = with_white_noise(smooth_scene({}, 0.1, 12), 40, 12);
  for (float& value : stack.voxels) value = std::min(value, 1300.0F);
  const auto clipped = static_cast<double>(std::ranges::count(stack.voxels, 1300.0F));
  CHECK(near(inspected(stack).saturated, clipped / static_cast<double>(stack.voxels.size()), 1e-9));
  const Stack clean = with_white_noise(smooth_scene({}, 0.1, 12), 40, 12);
  CHECK(inspected(clean).saturated == 0);
  CHECK(inspected(clean).hot.share == 0);
  Stack hot = clean;
  for (int plane = 0; plane < hot.planes; ++plane)
    for (const int at : {500, 5000, 9999}) plane_of(hot, plane)[static_cast<std::size_t>(at)] = 20000;
  plane_of(hot, 0)[7000] = 20000;
  CHECK(inspected(hot).hot.fixed == 3);
}

TEST_CASE("frequencies that are missing at random are noticed; white noise and a region of zeros are not") {
  const Stack scene = with_white_noise(smooth_scene({8, 128, 136}, 0.1, 13), 5, 13);
  const Fft2d fft(128, 136);
  for (const double rate : {0.1, 0.3}) {
    Stack sampled = scene;
    const KspaceSampling sampling = kspace_sampling(128, 136, rate);
    for (int plane = 0; plane < scene.planes; ++plane)
      kspace_corrupt(fft, sampling, kspace_mask(sampling, {1, Purpose::test, 0, static_cast<std::uint32_t>(plane), 0}),
                     plane_of(scene, plane), plane_of(sampled, plane));
    const Undersampling found = inspected(sampled).undersampling;
    CHECK(found.at_random);
    CAPTURE(found.missing);
    CHECK(near(found.missing, 1 - rate, 0.07));
  }
  CHECK_FALSE(inspected(with_white_noise(scene, 60, 13)).undersampling.at_random);
  Stack zero_filled = with_white_noise(scene, 60, 13);
  for (int plane = 0; plane < scene.planes; ++plane) {
    std::vector<std::complex<float>> spectrum(fft.shape().size());
    fft.forward(plane_of(zero_filled, plane), spectrum);
    for (int ky = 32; ky <= 96; ++ky)
      for (int kx = 0; kx < fft.shape().columns(); ++kx)
        spectrum[static_cast<std::size_t>(ky) * static_cast<std::size_t>(fft.shape().columns()) +
                 static_cast<std::size_t>(kx)] = 0;
    fft.inverse(spectrum, plane_of(zero_filled, plane));
  }
  CHECK_FALSE(inspected(zero_filled).undersampling.at_random);
}

TEST_CASE("small, flat and single planes are inspected or refused, never mistaken") {
  const Stack flat{4, 32, 32, std::vector<float>(std::size_t{4} * 32 * 32, 5)};
  CHECK_THROWS_AS(inspected(flat), Error);
  for (const StackSize& size : {StackSize{1, 64, 64}, {2, 16, 16}, {3, 16, 300}, {5, 31, 17}}) {
    const Inspection found = inspected(with_white_noise(smooth_scene(size, 0.1, 14), 40, 14));
    CHECK(found.survey.planes.size() == static_cast<std::size_t>(size.planes));
    CHECK(std::isfinite(found.noise.deviation));
    CHECK(found.similarity.distances.size() == static_cast<std::size_t>(size.planes - 1));
  }
  Stack negative = with_white_noise(smooth_scene({}, 0.1, 15), 60, 15);
  for (float& value : negative.voxels) value = (value - 1000) / 1e6F;
  CHECK(near(inspected(negative).noise.deviation, 60e-6, 3e-6));
}
