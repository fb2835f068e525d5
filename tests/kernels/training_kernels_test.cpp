// Loss and optimiser on the CPU against their references, for any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/adam/adam.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "kernels/mse/mse.h"

namespace n2s {
namespace {

std::vector<float> random_values(std::size_t count, std::uint32_t item) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(random_normal({5, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i)));
  return values;
}

}  // namespace

TEST_CASE("mean squared error and its gradient") {
  const Shape shape{3, 61, 67, 1};  // not a multiple of the chunks that are summed
  const auto count = static_cast<std::size_t>(shape.elements());
  const std::vector<float> prediction = random_values(count, 0);
  const std::vector<float> target = random_values(count, 1);
  const std::vector<double> exact_prediction(prediction.begin(), prediction.end());
  const std::vector<double> exact_target(target.begin(), target.end());
  std::vector<double> exact(count);
  const double expected = mean_squared_error_reference(exact_prediction, exact_target, exact);
  double one_thread = 0;
  for (const int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    std::vector<float> gradient(count, NAN);
    const double loss =
        mean_squared_error({prediction.data(), shape}, {target.data(), shape}, {gradient.data(), shape}, pool);
    CHECK(loss == doctest::Approx(expected).epsilon(1e-6));
    for (std::size_t i = 0; i < count; ++i) REQUIRE(gradient[i] == doctest::Approx(exact[i]).epsilon(1e-5));
    if (threads == 1) one_thread = loss;
    CHECK(loss == one_thread);
    CHECK(mean_squared_error({prediction.data(), shape}, {target.data(), shape}, pool) == loss);
  }
}

TEST_CASE("targets that are NaN do not count") {
  const Shape shape{2, 61, 67, 1};
  const std::vector<float> prediction = random_values(static_cast<std::size_t>(shape.elements()), 0);
  std::vector<float> target = random_values(prediction.size(), 1);
  std::vector<double> counted_prediction, counted_target;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (i % 7 != 3) {
      target[i] = NAN;
      continue;
    }
    counted_prediction.push_back(prediction[i]);
    counted_target.push_back(target[i]);
  }
  std::vector<double> exact(counted_target.size());
  const double expected = mean_squared_error_reference(counted_prediction, counted_target, exact);
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::vector<float> gradient(target.size(), NAN);
    CHECK(masked_mean_squared_error({prediction.data(), shape}, {target.data(), shape}, {gradient.data(), shape},
                                    pool) == doctest::Approx(expected).epsilon(1e-6));
    for (std::size_t i = 0; i < target.size(); ++i)
      REQUIRE(gradient[i] == doctest::Approx(i % 7 == 3 ? exact[i / 7] : 0).epsilon(1e-5));
    std::fill(target.begin(), target.end(), NAN);
    CHECK(masked_mean_squared_error({prediction.data(), shape}, {target.data(), shape}, {}, pool) == 0);
    target.assign(target.size(), NAN);
    for (std::size_t i = 3, j = 0; i < target.size(); i += 7) target[i] = static_cast<float>(counted_target[j++]);
  }
}

TEST_CASE("the reference of the mean squared error, by hand") {
  const std::vector<double> prediction{1, 2, 3, 4}, target{1, 0, 6, 4};
  std::vector<double> gradient(4);
  CHECK(mean_squared_error_reference(prediction, target, gradient) == (4 + 9) / 4.0);
  CHECK(gradient == std::vector<double>{0, 1, -1.5, 0});
}

TEST_CASE("mean squared error refuses shapes that differ") {
  ThreadPool pool(1);
  std::vector<float> values(12);
  CHECK_THROWS_AS(mean_squared_error({values.data(), {1, 3, 4, 1}}, {values.data(), {1, 4, 3, 1}}, pool), Error);
}

TEST_CASE("ten steps of Adam follow the reference") {
  constexpr std::size_t kCount = 40000;
  const std::vector<float> start = random_values(kCount, 2);
  std::vector<float> p = start, m(kCount), v(kCount);
  std::vector<double> pd(start.begin(), start.end()), md(kCount), vd(kCount);
  ThreadPool pool(2);
  const AdamSettings settings{1e-3, 0.9, 0.99, 1e-8};
  for (long step = 1; step <= 10; ++step) {
    const std::vector<float> g = random_values(kCount, static_cast<std::uint32_t>(10 + step));
    const std::vector<double> gd(g.begin(), g.end());
    adam_cpu({p, m, v, g, settings, step}, pool);
    adam_reference<double>({pd, md, vd, gd, settings, step});
  }
  double error = 0;
  double moved = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    error += std::pow(p[i] - pd[i], 2);
    moved += std::pow(pd[i] - double{start[i]}, 2);
  }
  // Of the distance moved; parameters near 1 are rounded by 6e-8 at each of ten steps of 1e-3.
  CHECK(error / moved < 1e-8);
}

TEST_CASE("Adam's first step is the learning rate in the direction of the gradient's sign") {
  std::vector<double> p{1, 1, 1}, m(3), v(3);
  const std::vector<double> g{3, -0.01, 0};
  adam_reference<double>({p, m, v, g, {}, 1});
  CHECK(p[0] == doctest::Approx(1 - 1e-3).epsilon(1e-9));
  CHECK(p[1] == doctest::Approx(1 + 1e-3).epsilon(1e-8));
  CHECK(p[2] == 1);
}

TEST_CASE("Adam refuses lengths that differ") {
  ThreadPool pool(1);
  std::vector<float> three(3), two(2);
  CHECK_THROWS_AS(adam_cpu({three, three, three, two, {}, 1}, pool), Error);
}

}  // namespace n2s
