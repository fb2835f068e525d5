// Simulated noise: its description on the command line, its statistics, and that it can be made again.
#include "engine/training/plane_noise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"

using namespace n2s;

namespace {

constexpr int kPlaneSide = 200;
constexpr std::size_t kPixels = std::size_t{kPlaneSide} * kPlaneSide;

std::vector<float> noisy_plane(const NoiseSpec& spec, float value, const RandomKey& key) {
  const std::vector<float> clean(kPixels, value);
  std::vector<float> noisy(kPixels);
  PlaneNoise(spec, kPlaneSide, kPlaneSide).corrupt(clean, key, noisy);
  return noisy;
}

double mean_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double covariance(const std::vector<float>& a, const std::vector<float>& b) {
  const double mean_a = mean_of(a);
  const double mean_b = mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size());
}

Stack ramp(int planes, int height, int width) {
  Stack stack{planes, height, width, {}};
  const int count = planes * height * width;
  for (int i = 0; i < count; ++i) stack.voxels.push_back(static_cast<float>(i % 37) + 1);
  return stack;
}

}  // namespace

TEST_CASE("noise is described as on the command line") {
  CHECK(std::get<KspaceNoise>(parse_noise("kspace:0.1")).rate == 0.1);
  CHECK(std::get<KspaceNoise>(parse_noise("kspace:1")).rate == 1);
  CHECK(std::get<GaussianNoise>(parse_noise("gaussian:25")).sigma == 25);
  CHECK(std::get<PoissonNoise>(parse_noise("poisson:2")).gain == 2);
  CHECK(std::get<PoissonNoise>(parse_noise("poisson:2")).sigma == 0);
  CHECK(std::get<PoissonNoise>(parse_noise("poisson:1.5,gaussian:5e1")).gain == 1.5);
  CHECK(std::get<PoissonNoise>(parse_noise("poisson:1.5,gaussian:5e1")).sigma == 50);
  for (const char* text : {"kspace:0.1", "gaussian:25", "poisson:2", "poisson:1.5,gaussian:50"})
    CHECK(describe(parse_noise(text)) == text);
}

TEST_CASE("what is no noise is an error that names the forms") {
  for (const char* text : {"",
                           "kspace",
                           "kspace:",
                           "kspace:0",
                           "kspace:1.1",
                           "kspace:-0.1",
                           "kspace:0.1x",
                           "kspace:0.1,gaussian:1",
                           "kspace:nan",
                           "gaussian:",
                           "gaussian:-1",
                           "gaussian:inf",
                           "gaussian:1,",
                           "gaussian:1,poisson:1",
                           "poisson:0",
                           "poisson:1,",
                           "poisson:1,gaussian",
                           "poisson:1,gaussian:1,gaussian:1",
                           "poisson:1, gaussian:1",
                           "salt:1",
                           " gaussian:1",
                           "gaussian: 1",
                           "gaussian:1e999"}) {
    CAPTURE(text);
    std::string message;
    try {
      parse_noise(text);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message.find("poisson:GAIN,gaussian:SIGMA") != std::string::npos);
  }
}

TEST_CASE("gaussian noise: unbiased, of the given deviation") {
  const auto noisy = noisy_plane(GaussianNoise{5}, 100, {1, Purpose::noise_input});
  CHECK(std::abs(mean_of(noisy) - 100) < 5 * 5 / std::sqrt(kPixels));
  CHECK(covariance(noisy, noisy) == doctest::Approx(25).epsilon(5 * std::sqrt(2.0 / kPixels)));
}

TEST_CASE("poisson noise: whole events, mean and variance of the camera model, for few and for many events") {
  for (const float events : {0.3F, 4.0F, 60.0F, 190.0F, 210.0F, 3000.0F}) {
    CAPTURE(events);
    const double gain = 2.5;
    const auto noisy = noisy_plane(PoissonNoise{gain, 0}, static_cast<float>(gain) * events, {2, Purpose::noise_input});
    for (const float value : noisy) CHECK(std::abs(value / gain - std::round(value / gain)) < 1e-3);
    const double variance = gain * gain * events;
    CHECK(std::abs(mean_of(noisy) - gain * events) < 5 * std::sqrt(variance / kPixels));
    const double kurtosis = 3 + 1.0 / events;  // decides how well a variance is known
    CHECK(std::abs(covariance(noisy, noisy) / variance - 1) < 5 * std::sqrt((kurtosis - 1) / kPixels));
  }
  const auto with_reading = noisy_plane(PoissonNoise{2, 10}, 80, {3, Purpose::noise_input});
  CHECK(covariance(with_reading, with_reading) == doctest::Approx(2 * 80 + 100).epsilon(0.05));
  CHECK(noisy_plane(PoissonNoise{2, 0}, 0, {}) == std::vector<float>(kPixels, 0.0F));
  CHECK(noisy_plane(PoissonNoise{2, 0}, -5, {}) == std::vector<float>(kPixels, 0.0F));
}

TEST_CASE("pixels do not share random numbers, whatever their brightness") {
  // Dark pixels count events one by one, bright ones draw a normal number: pixel i dark, pixels 2 i, 2 i + 1 bright.
  std::vector<float> clean(kPixels, 5000.0F);
  std::fill_n(clean.begin(), kPixels / 3, 3.0F);
  std::vector<float> noisy(kPixels);
  PlaneNoise(PoissonNoise{1, 0}, kPlaneSide, kPlaneSide).corrupt(clean, {4, Purpose::noise_input}, noisy);
  for (const std::size_t offset : {0U, 1U}) {
    std::vector<float> dark, bright;
    for (std::size_t i = kPixels / 6 + 1; i < kPixels / 3; ++i) {
      dark.push_back(noisy[i]);
      bright.push_back(std::abs(noisy[2 * i + offset] - 5000));  // a shared number would show in the radius
    }
    const double correlation =
        covariance(dark, bright) / std::sqrt(covariance(dark, dark) * covariance(bright, bright));
    CHECK(std::abs(correlation) < 5 / std::sqrt(static_cast<double>(dark.size())));
  }
}

TEST_CASE("the noise of copies, planes and stacks is independent, and the same for the same key, on any threads") {
  ThreadPool one(1);
  ThreadPool three(3);
  const Stack clean{4, 60, 50, std::vector<float>(std::size_t{4} * 60 * 50, 100.0F)};
  for (const NoiseSpec& spec :
       {NoiseSpec{GaussianNoise{5}}, NoiseSpec{PoissonNoise{2, 3}}, NoiseSpec{KspaceNoise{0.3}}}) {
    Stack image = clean;
    if (std::holds_alternative<KspaceNoise>(spec)) image = ramp(4, 60, 50);
    const Stack noisy = corrupt_stack(spec, image, 7, Purpose::noise_input, 0, one);
    CHECK(noisy.voxels == corrupt_stack(spec, image, 7, Purpose::noise_input, 0, three).voxels);
    const auto noise_of = [&](const Stack& stack, std::size_t plane) {
      std::vector<float> noise;
      for (std::size_t i = plane * 3000; i < (plane + 1) * 3000; ++i)
        noise.push_back(stack.voxels[i] - image.voxels[i]);
      return noise;
    };
    const Stack copy = corrupt_stack(spec, image, 7, Purpose::noise_target, 0, three);
    const Stack other_stack = corrupt_stack(spec, image, 7, Purpose::noise_input, 1, three);
    const Stack other_seed = corrupt_stack(spec, image, 8, Purpose::noise_input, 0, three);
    const auto first = noise_of(noisy, 0);
    if (std::holds_alternative<KspaceNoise>(spec)) {  // few frequencies carry it: correlations say little
      CHECK(first != noise_of(copy, 0));
      continue;
    }
    for (const auto& second :
         {noise_of(noisy, 1), noise_of(copy, 0), noise_of(other_stack, 0), noise_of(other_seed, 0)})
      CHECK(std::abs(covariance(first, second) / covariance(first, first)) < 5 / std::sqrt(3000.0));
  }
}

TEST_CASE("post-processing of a stack knows each plane's mask again") {
  ThreadPool pool(2);
  const NoiseSpec spec = KspaceNoise{0.3};
  const Stack clean = ramp(3, 33, 40);
  const Stack noisy = corrupt_stack(spec, clean, 5, Purpose::noise_input, 2, pool);
  Stack restored = clean;  // a perfect output stays perfect: what was measured is in it already
  restore_measured(spec, noisy, 5, Purpose::noise_input, 2, restored, pool);
  for (std::size_t i = 0; i < clean.voxels.size(); ++i) CHECK(std::abs(restored.voxels[i] - clean.voxels[i]) < 1e-4);
  Stack wrong = clean;
  restore_measured(spec, noisy, 6, Purpose::noise_input, 2, wrong, pool);  // another seed: other masks
  CHECK(wrong.voxels != clean.voxels);
  Stack untouched = clean;
  restore_measured(GaussianNoise{1}, noisy, 5, Purpose::noise_input, 2, untouched, pool);
  CHECK(untouched.voxels == clean.voxels);
}
