// Padding, loss and optimiser on the GPU against their references, in every precision.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/adam/cuda.h"
#include "kernels/base/error.h"
#include "kernels/convert/reference.h"
#include "kernels/mse/cuda.h"
#include "kernels/mse/mse.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/conv3x3_cases.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

constexpr Precision kPrecisions[]{Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16};

/// Squared rounding errors of a stored value, relative, with room.
double stored_nmse(Precision precision) {
  if (precision == Precision::fp16) return 1e-6;
  if (precision == Precision::bf16) return 2e-5;
  return 1e-13;
}

std::vector<float> stored(std::vector<float> values, Precision precision) {
  for (float& value : values) value = rounded(value, precision);
  return values;
}

TEST_CASE("padding adds channels of zeros, and stripping takes them away") {
  for (const Precision precision : kPrecisions)
    for (const int channels : {1, 2, 5, 8, 13, 16, 17}) {
      CAPTURE(static_cast<int>(precision));
      CAPTURE(channels);
      const Shape shape{2, 5, 7, channels};
      const std::vector<float> values = random_values(static_cast<std::size_t>(shape.elements()), 1);
      const DeviceCopy copy(shape, precision, values);
      CHECK(copy.values() == stored(values, precision));
      CHECK(copy.padding_is_zero());
    }
}

TEST_CASE("padded fp32 memory is the reference's, and stripping gives the reference's values") {
  for (const int channels : {1, 5, 8, 13}) {
    const Shape shape{2, 2, 3, channels};
    const std::vector<float> values = random_values(static_cast<std::size_t>(shape.elements()), 2);
    const std::vector<float> padded = pad_channels_reference(values, shape);
    const DeviceCopy copy(shape, Precision::fp32, values);
    CHECK(to_host(static_cast<const float*>(copy.tensor().data), padded.size()) == padded);
    CHECK(copy.values() == strip_channels_reference(padded, shape));
  }
}

TEST_CASE("mean squared error and its gradient, with and without a scale") {
  for (const Precision precision : kPrecisions)
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{3, 13, 17, 3}, Shape{2, 61, 37, 1}, Shape{1, 16, 32, 8}}) {
      CAPTURE(static_cast<int>(precision));
      CAPTURE(shape.channels);
      const auto count = static_cast<std::size_t>(shape.elements());
      const std::vector<float> prediction = stored(random_values(count, 3), precision);
      const std::vector<float> target = stored(random_values(count, 4), precision);
      const DeviceCopy device_prediction(shape, precision, prediction);
      const DeviceCopy device_target(shape, precision, target);
      const CudaArray<std::byte> scratch = cuda_array<std::byte>(device::mean_squared_error_scratch_bytes(shape));
      const CudaArray<double> loss = cuda_array<double>(1);
      for (const float scale : {0.0F, 1024.0F}) {  // 0: none
        const CudaArray<float> device_scale = to_device(std::span<const float>(&scale, 1));
        const DeviceCopy gradient(shape, precision);
        device::DeviceMeanSquaredError problem{device_prediction.tensor(), device_target.tensor(), gradient.tensor(),
                                               scale > 0 ? device_scale.get() : nullptr, loss.get()};
        device::mean_squared_error(problem, precision, scratch.get(), nullptr);
        const double found = to_host(loss.get(), 1)[0];
        std::vector<double> exact_gradient(count);
        const double expected =
            mean_squared_error_reference(converted<double>(prediction), converted<double>(target), exact_gradient);
        const double factor = 2 * (scale > 0 ? double{scale} : 1.0) / static_cast<double>(count);
        CHECK(found == doctest::Approx(expected).epsilon(1e-6));
        std::vector<float> relative = gradient.values();  // of order 1, as nmse() takes values to be
        for (std::size_t i = 0; i < count; ++i) {
          relative[i] = static_cast<float>(relative[i] / factor);
          exact_gradient[i] *= static_cast<double>(count) / 2;
        }
        CHECK(nmse(relative, exact_gradient) <= stored_nmse(precision));
        CHECK(gradient.padding_is_zero());
        problem.gradient = {};
        device::mean_squared_error(problem, precision, scratch.get(), nullptr);
        CHECK(to_host(loss.get(), 1)[0] == found);
      }
    }
}

TEST_CASE("targets that are NaN do not count, in any precision") {
  for (const Precision precision : kPrecisions)
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 61, 37, 1}}) {
      const auto count = static_cast<std::size_t>(shape.elements());
      const std::vector<float> prediction = stored(random_values(count, 3), precision);
      std::vector<float> target = stored(random_values(count, 4), precision);
      for (std::size_t i = 0; i < count; ++i)
        if (i % 9 != 0) target[i] = NAN;
      const DeviceCopy device_prediction(shape, precision, prediction);
      const DeviceCopy device_target(shape, precision, target);
      const DeviceCopy gradient(shape, precision);
      const CudaArray<std::byte> scratch = cuda_array<std::byte>(device::mean_squared_error_scratch_bytes(shape));
      const CudaArray<double> loss = cuda_array<double>(1);
      device::mean_squared_error(
          {device_prediction.tensor(), device_target.tensor(), gradient.tensor(), nullptr, loss.get(), true}, precision,
          scratch.get(), nullptr);
      std::vector<float> expected(count);
      ThreadPool pool(1);
      CHECK(to_host(loss.get(), 1)[0] ==
            doctest::Approx(masked_mean_squared_error({prediction.data(), shape}, {target.data(), shape},
                                                      {expected.data(), shape}, pool))
                .epsilon(1e-6));
      const std::vector<float> found = gradient.values();
      for (std::size_t i = 0; i < count; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(0.01));
    }
}

TEST_CASE("mean squared error refuses shapes that differ") {
  const DeviceCopy three({1, 3, 4, 1}, Precision::fp32);
  const DeviceCopy four({1, 4, 3, 1}, Precision::fp32);
  CHECK_THROWS_AS(device::mean_squared_error({three.tensor(), four.tensor(), {}, nullptr, nullptr}, Precision::fp32,
                                             nullptr, nullptr),
                  Error);
  CHECK_THROWS_AS(device::mean_squared_error({}, Precision::fp32, nullptr, nullptr), Error);
}

/// Parameters, moments and the loss scale of a training, in device memory.
struct Optimiser {
  Optimiser(const std::vector<float>& start, const device::LossScale& loss_scale)
      : parameters(to_device(std::span<const float>(start))),
        first(to_device(std::span<const float>(std::vector<float>(start.size())))),
        second(to_device(std::span<const float>(std::vector<float>(start.size())))),
        scale(to_device(std::span<const device::LossScale>(&loss_scale, 1))),
        step(cuda_array<device::AdamStep>(1)),
        count(start.size()) {}

  void update(const AdamSettings& settings, long number, const std::vector<float>& gradients,
              const double* loss = nullptr) const {
    const CudaArray<float> device_gradients = to_device(std::span<const float>(gradients));
    device::set_adam_step(device::adam_step(settings, number), step.get(), nullptr);
    device::adam(
        {parameters.get(), first.get(), second.get(), device_gradients.get(), count, step.get(), scale.get(), loss},
        nullptr);
    check(cudaDeviceSynchronize(), "Adam");
  }
  std::vector<float> values() const { return to_host(parameters.get(), count); }
  device::LossScale loss_scale() const { return to_host(scale.get(), 1)[0]; }

  CudaArray<float> parameters, first, second;
  CudaArray<device::LossScale> scale;
  CudaArray<device::AdamStep> step;
  std::size_t count;
};

device::LossScale scaled(float scale, bool dynamic, int good_steps = 0) {
  return {scale, dynamic ? 1 : 0, good_steps, 0, 0};
}

TEST_CASE("ten steps of Adam follow the reference, whatever the gradients' scale") {
  constexpr std::size_t kCount = 3001;
  const std::vector<float> start = random_values(kCount, 5);
  for (const float scale : {1.0F, 1024.0F}) {
    const AdamSettings settings{1e-3, 0.9, 0.99, 1e-8};
    const Optimiser optimiser(start, scaled(scale, false));
    std::vector<double> parameters(start.begin(), start.end()), first(kCount), second(kCount);
    for (long step = 1; step <= 10; ++step) {
      const std::vector<float> gradients = random_values(kCount, static_cast<std::uint64_t>(100 + step));
      std::vector<float> enlarged = gradients;
      for (float& value : enlarged) value *= scale;
      optimiser.update(settings, step, enlarged);
      const std::vector<double> exact(gradients.begin(), gradients.end());
      adam_reference<double>({parameters, first, second, exact, settings, step});
    }
    const std::vector<float> found = optimiser.values();
    double error = 0;
    double moved = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      error += std::pow(found[i] - parameters[i], 2);
      moved += std::pow(parameters[i] - double{start[i]}, 2);
    }
    CHECK(error / moved < 1e-8);
    CHECK(nmse(to_host(optimiser.first.get(), kCount), first) < 1e-12);
    CHECK(nmse(to_host(optimiser.second.get(), kCount), second) < 1e-12);
    CHECK(optimiser.loss_scale().good_steps == 10);
    CHECK(optimiser.loss_scale().scale == scale);
  }
}

TEST_CASE("a gradient or a loss that is not finite changes nothing, and halves a dynamic scale") {
  const std::vector<float> start = random_values(600, 6);
  const std::vector<float> good = random_values(600, 7);
  const double bad_loss = NAN;
  const CudaArray<double> device_loss = to_device(std::span<const double>(&bad_loss, 1));
  for (const float bad : {NAN, INFINITY, -INFINITY, 0.0F}) {  // 0: it is the loss
    std::vector<float> gradients = good;
    if (bad != 0) gradients[599] = bad;
    const double* loss = bad != 0 ? nullptr : device_loss.get();
    const Optimiser fixed(start, scaled(64, false, 5));
    fixed.update({}, 1, gradients, loss);
    CHECK(fixed.values() == start);
    CHECK(to_host(fixed.first.get(), 600) == std::vector<float>(600));
    CHECK(fixed.loss_scale().scale == 64);
    CHECK(fixed.loss_scale().skipped == 1);
    CHECK(fixed.loss_scale().good_steps == 0);
    const Optimiser dynamic(start, scaled(64, true, 5));
    dynamic.update({}, 1, gradients, loss);
    CHECK(dynamic.values() == start);
    CHECK(dynamic.loss_scale().scale == 32);
    dynamic.update({}, 1, good);
    CHECK(dynamic.values() != start);
    CHECK(dynamic.loss_scale().skipped == 0);
    CHECK(dynamic.loss_scale().overflow == 0);
    CHECK(dynamic.loss_scale().good_steps == 1);
  }
}

TEST_CASE("the scale doubles after 2000 good steps and stays within its limits") {
  const std::vector<float> start = random_values(3, 8);
  const std::vector<float> bad(3, INFINITY);
  const auto after = [&](const device::LossScale& before, const std::vector<float>& gradients) {
    const Optimiser optimiser(start, before);
    optimiser.update({}, 1, gradients);
    return optimiser.loss_scale();
  };
  CHECK(after(scaled(8, true, 1998), start).scale == 8);
  CHECK(after(scaled(8, true, 1999), start).scale == 16);
  CHECK(after(scaled(8, true, 1999), start).good_steps == 0);
  CHECK(after(scaled(65536, true, 1999), start).scale == 65536);
  CHECK(after(scaled(8, false, 1999), start).scale == 8);
  CHECK(after(scaled(1, true), bad).scale == 1);
}

TEST_CASE("no parameters are no work") {
  device::adam({}, nullptr);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

}  // namespace
}  // namespace n2s::test
