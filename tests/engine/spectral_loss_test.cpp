// The loss after k-space data consistency against its definition, in double precision on the reference transform.
#include "engine/training/spectral_loss.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/fusion.h"
#include "engine/graph/parameters.h"
#include "engine/training/batches.h"
#include "engine/training/schedule.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "kernels/kspace/kspace.h"
#include "nets/network.h"
#include "tests/kernels/random_image.h"

namespace n2s {
namespace {

constexpr int kHeight = 31, kWidth = 30, kImageSide = 32;  // of a plane, and of the image that it lies in
constexpr std::size_t kImage = std::size_t{kImageSide} * kImageSide;
const KspaceNoise kNoise{0.3};

/// The plane in the image's upper left corner.
std::vector<double> plane_in(std::span<const float> image) {
  std::vector<double> plane;
  for (std::size_t y = 0; y < kHeight; ++y)
    for (std::size_t x = 0; x < kWidth; ++x) plane.push_back(double{image[y * kImageSide + x]});
  return plane;
}

/// mean((consistent(output) - consistent(target))^2): what the network cannot change drops out.
double loss_by_definition(std::span<const float> output, std::span<const float> target, const RandomKey& key) {
  const KspaceSampling sampling = kspace_sampling(kHeight, kWidth, kNoise.rate);
  const std::vector<std::uint8_t> mask = kspace_mask(sampling, key);
  const std::vector<double> measured(std::size_t{kHeight} * kWidth, 0.25);
  const auto consistent = [&](std::span<const float> image) {
    return kspace_data_consistency_reference(sampling, mask, measured, plane_in(image));
  };
  const std::vector<double> a = consistent(output);
  const std::vector<double> b = consistent(target);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST_CASE("the gradient is that of the loss by definition: finite differences") {
  ThreadPool pool(2);
  const SpectralLoss spectral(kNoise, kHeight, kWidth, pool);
  const Extents extents{2, kImageSide, kImageSide};
  const std::vector<RandomKey> keys{{3, Purpose::noise_input, 0}, {3, Purpose::noise_input, 1}};
  const std::vector<float> output = test::random_values(2 * kImage, 1);
  const std::vector<float> target = test::random_values(2 * kImage, 2);
  const std::vector<float> direction = test::random_values(2 * kImage, 3);
  std::vector<float> gradient(2 * kImage);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] = 2 * (output[i] - target[i]) / static_cast<float>(gradient.size());
  spectral.keep_unmeasured(keys, extents, gradient);
  const double factor = spectral.images_by_planes(extents);
  CHECK(factor == doctest::Approx(double{kImage} / (kHeight * kWidth)));
  for (std::size_t image = 0; image < 2; ++image) {
    const auto part = [&](std::span<const float> all) { return all.subspan(image * kImage, kImage); };
    const auto moved = [&](float by) {
      std::vector<float> result(part(output).begin(), part(output).end());
      for (std::size_t i = 0; i < kImage; ++i) result[i] += by * part(direction)[i];
      return loss_by_definition(result, part(target), keys[image]) / 2;  // a mean over both images
    };
    double along = 0;
    for (std::size_t i = 0; i < kImage; ++i) along += factor * double{part(gradient)[i]} * double{part(direction)[i]};
    CHECK(along == doctest::Approx((moved(0.5F) - moved(-0.5F))).epsilon(1e-4));
    for (std::size_t i = 0; i < kImage; ++i)
      if (i / kImageSide >= kHeight || i % kImageSide >= kWidth) CHECK(part(gradient)[i] == 0);
  }
}

TEST_CASE("the trainer's loss and validation loss are those of the definition") {
  constexpr int kPlanes = 6;
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = Stack{kPlanes, kHeight, kWidth, test::random_values(std::size_t{kPlanes} * kHeight * kWidth, 5)};
  stacks[0].held_out = {2};
  BatchSettings settings;
  settings.method = "noise2noise";
  settings.planes = 1;
  settings.batch = 2;
  settings.noise = kNoise;
  settings.augmentation = {kImageSide, kImageSide, 7, true, 0, false};
  CpuBackend backend({.threads = 2});
  const Graph graph = fuse(find_network("microscopy").build(1));
  StackBatches batches(stacks, settings, backend.pool());
  const ValidationSet validation = make_validation_set(stacks, settings, 4);
  REQUIRE(validation.batches == 1);
  TrainingSettings training;
  training.schedule = Schedule::noise2noise;
  training.spectral_loss = std::make_shared<SpectralLoss>(kNoise, kHeight, kWidth, backend.pool());
  Trainer trainer(backend, graph, batches, validation, training);
  trainer.set_total_steps(4);

  const auto outputs = [&](std::span<const float> inputs, int images) {
    Executor executor(backend, graph, {images, kImageSide, kImageSide}, trainer.memory());
    executor.set(graph.input, inputs);
    executor.run();
    return executor.get(graph.output);
  };
  const BatchStep first{0, 0};
  std::vector<float> input(2 * kImage);
  std::vector<float> target(2 * kImage);
  batches.fill(first, {input.data(), {2, kImageSide, kImageSide, 1}}, {target.data(), {2, kImageSide, kImageSide, 1}});
  const std::vector<RandomKey> keys = batches.noise_keys(first);
  REQUIRE(keys.size() == 2);
  const std::vector<float> output = outputs(input, 2);
  double expected = 0;
  for (std::size_t i = 0; i < 2; ++i)
    expected += loss_by_definition(std::span(output).subspan(i * kImage, kImage),
                                   std::span(target).subspan(i * kImage, kImage), keys[i]) /
                2;
  // The mask is that of the noise: overwriting the input's measured frequencies with themselves changes nothing.
  const KspaceSampling sampling = kspace_sampling(kHeight, kWidth, kNoise.rate);
  const std::vector<double> noisy = plane_in(input);
  const std::vector<double> nothing(noisy.size());
  const std::vector<double> unmeasured =
      kspace_data_consistency_reference(sampling, kspace_mask(sampling, keys[0]), nothing, noisy);
  CHECK(std::abs(*std::max_element(unmeasured.begin(), unmeasured.end())) < 1e-5);

  const double validated = trainer.validate().loss;
  CHECK(validated == doctest::Approx(loss_by_definition(outputs(validation.inputs, 1), validation.targets,
                                                        validation.noise_keys.at(0)))
                         .epsilon(1e-4));
  CHECK(trainer.step() == doctest::Approx(expected).epsilon(1e-4));
}

TEST_CASE("only undersampled planes that fit have such a loss") {
  ThreadPool pool(1);
  CHECK_THROWS_AS(SpectralLoss(GaussianNoise{1}, 32, 32, pool), Error);
  const SpectralLoss spectral(kNoise, kHeight, kWidth, pool);
  const std::vector<RandomKey> keys(1);
  std::vector<float> errors(std::size_t{16} * 16);
  CHECK_THROWS_AS(spectral.keep_unmeasured(keys, {1, 16, 16}, errors), Error);
}

TEST_CASE("Noise2Noise's rates rise over 10 of 300 epochs and fall over 30") {
  const auto at = [](long epoch) {
    const TrainingProgress progress{epoch * 7 + 3, 2100, 7};
    return std::pair{learning_rate(Schedule::noise2noise, 1e-3, progress), beta1(Schedule::noise2noise, 0.9, progress)};
  };
  CHECK(at(0).first == doctest::Approx(1e-3 * std::exp(-5.0)));
  CHECK(at(5).first == doctest::Approx(1e-3 * std::exp(-1.25)));
  for (const long epoch : {10L, 150L, 270L}) {
    CHECK(at(epoch).first == doctest::Approx(1e-3));
    CHECK(at(epoch).second == doctest::Approx(0.9));
  }
  CHECK(at(280).first == doctest::Approx(1e-3 * std::exp(-25.0 / 30)));
  CHECK(at(299).first == doctest::Approx(1e-3 * std::exp(-14.5 * 14.5 / 30)));
  CHECK(at(299).second == doctest::Approx(0.5 + 0.4 * std::exp(-14.5 * 14.5 / 30)));
  CHECK(beta1(Schedule::cosine_per_step, 0.9, {2000, 2100, 7}) == 0.9);
}

}  // namespace
}  // namespace n2s
