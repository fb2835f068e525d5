// The unfused operations: each forward pass against a formula written out here, each gradient against finite
// differences in double precision. The float versions are the same templates; tests/engine compares them with the fused
// kernels.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "kernels/unfused/unfused.h"

namespace n2s {
namespace {

std::vector<double> random_values(const Shape& shape, std::uint32_t item) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = random_normal({3, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i));
  return values;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// d(sum of forward(in) * upstream) / d(in), by central differences.
std::vector<double> finite_differences(std::vector<double> in, const std::vector<double>& upstream,
                                       const std::function<std::vector<double>(const std::vector<double>&)>& forward) {
  constexpr double kStep = 1e-6;
  std::vector<double> gradient;
  for (double& x : in) {
    const double here = x;
    x = here + kStep;
    const double above = dot(forward(in), upstream);
    x = here - kStep;
    const double below = dot(forward(in), upstream);
    x = here;
    gradient.push_back((above - below) / (2 * kStep));
  }
  return gradient;
}

void check_close(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
}

const Shape kLow{2, 3, 2, 5};
const Shape kHigh{2, 6, 4, 5};

}  // namespace

TEST_CASE("activation and its gradient") {
  ThreadPool pool(2);
  const std::vector<double> in = random_values(kHigh, 0);
  const std::vector<double> upstream = random_values(kHigh, 1);
  for (const double slope : {0.0, 0.1}) {
    const auto forward = [&](const std::vector<double>& x) {
      std::vector<double> out(x.size());
      unfused::activation<double>({x.data(), kHigh}, slope, {out.data(), kHigh}, pool);
      return out;
    };
    const std::vector<double> out = forward(in);
    for (std::size_t i = 0; i < in.size(); ++i) CHECK(out[i] == (in[i] > 0 ? in[i] : slope * in[i]));
    std::vector<double> gradient(in.size());
    unfused::activation_gradient<double>({upstream.data(), kHigh}, {out.data(), kHigh}, slope,
                                         {{gradient.data(), kHigh}, {}, 1, false}, pool);
    check_close(gradient, finite_differences(in, upstream, forward));
  }
}

TEST_CASE("max pooling keeps the first of equals, and its gradient goes there") {
  ThreadPool pool(2);
  std::vector<double> in = random_values(kHigh, 2);
  std::vector<std::uint8_t> argmax(static_cast<std::size_t>(kLow.elements()));
  const auto forward = [&](const std::vector<double>& x) {
    std::vector<double> out(argmax.size());
    unfused::maxpool2<double>({x.data(), kHigh}, {out.data(), kLow}, {argmax.data(), kLow}, pool);
    return out;
  };
  const std::vector<double> upstream = random_values(kLow, 3);
  const std::vector<double> expected = finite_differences(in, upstream, forward);
  forward(in);
  std::vector<double> gradient(in.size());
  unfused::maxpool2_gradient<double>({upstream.data(), kLow}, {argmax.data(), kLow},
                                     {{gradient.data(), kHigh}, {}, 1, false}, pool);
  check_close(gradient, expected);
  std::fill(in.begin(), in.end(), 4.0);
  CHECK(forward(in) == std::vector<double>(argmax.size(), 4.0));
  CHECK(argmax == std::vector<std::uint8_t>(argmax.size(), 0));
}

TEST_CASE("upsampling copies each pixel four times, and its gradient sums them") {
  ThreadPool pool(2);
  const std::vector<double> in = random_values(kLow, 4);
  const std::vector<double> upstream = random_values(kHigh, 5);
  const auto forward = [&](const std::vector<double>& x) {
    std::vector<double> out(static_cast<std::size_t>(kHigh.elements()));
    unfused::upsample2<double>({x.data(), kLow}, {out.data(), kHigh}, pool);
    return out;
  };
  const std::vector<double> out = forward(in);
  const Tensor<const double> low{in.data(), kLow};
  const Tensor<const double> high{out.data(), kHigh};
  for (int y = 0; y < kHigh.height; ++y)
    for (int x = 0; x < kHigh.width; ++x) CHECK(high.pixel(1, y, x)[3] == low.pixel(1, y / 2, x / 2)[3]);
  std::vector<double> gradient(in.size());
  unfused::upsample2_gradient<double>({upstream.data(), kHigh}, {{gradient.data(), kLow}, {}, 1, false}, pool);
  check_close(gradient, finite_differences(in, upstream, forward));
}

TEST_CASE("concatenation, its gradient, and targets that accumulate behind an activation") {
  ThreadPool pool(2);
  const Shape second_shape{2, 6, 4, 2};
  const Shape both{2, 6, 4, 7};
  const std::vector<double> first = random_values(kHigh, 6);
  const std::vector<double> second = random_values(second_shape, 7);
  std::vector<double> out(static_cast<std::size_t>(both.elements()));
  unfused::concat<double>({first.data(), kHigh}, {second.data(), second_shape}, {out.data(), both}, pool);
  const Tensor<const double> joined{out.data(), both};
  CHECK(joined.pixel(1, 2, 3)[4] == Tensor<const double>{first.data(), kHigh}.pixel(1, 2, 3)[4]);
  CHECK(joined.pixel(1, 2, 3)[6] == Tensor<const double>{second.data(), second_shape}.pixel(1, 2, 3)[1]);

  // The gradient of a concatenation is the upstream cut apart; one target adds to 10 through a mask, the other stores.
  std::vector<double> first_gradient(first.size(), 10.0);
  std::vector<double> second_gradient(second.size(), 10.0);
  unfused::concat_gradient<double>({out.data(), both},
                                   {{first_gradient.data(), kHigh}, {first.data(), kHigh}, 0.1, true},
                                   {{second_gradient.data(), second_shape}, {}, 1, false}, kHigh.channels, pool);
  for (std::size_t i = 0; i < first.size(); ++i)
    CHECK(first_gradient[i] == doctest::Approx(10 + first[i] * (first[i] > 0 ? 1 : 0.1)));
  CHECK(second_gradient == second);
}

TEST_CASE("the residual adds one plane to every channel") {
  ThreadPool pool(2);
  const Shape source_shape{2, 6, 4, 3};
  const std::vector<double> in = random_values(kHigh, 8);
  const std::vector<double> source = random_values(source_shape, 9);
  std::vector<double> out(in.size());
  unfused::add_plane<double>({in.data(), kHigh}, {source.data(), source_shape}, 2, {out.data(), kHigh}, pool);
  for (std::size_t i = 0; i < in.size(); ++i) CHECK(out[i] == in[i] + source[i / 5 * 3 + 2]);
  std::vector<double> gradient(in.size());
  unfused::copy_gradient<double>({out.data(), kHigh}, {{gradient.data(), kHigh}, {}, 1, false}, pool);
  CHECK(gradient == out);
}

TEST_CASE("shapes that do not fit are refused") {
  ThreadPool pool(1);
  std::vector<float> values(static_cast<std::size_t>(kHigh.elements()));
  const FloatTensor high{values.data(), kHigh};
  const FloatTensor low{values.data(), kLow};
  CHECK_THROWS_AS(unfused::activation<float>(high, 0.1F, low, pool), Error);
  CHECK_THROWS_AS(unfused::maxpool2<float>(low, high, {}, pool), Error);
  CHECK_THROWS_AS(unfused::upsample2<float>(high, low, pool), Error);
  CHECK_THROWS_AS(unfused::concat<float>(high, low, high, pool), Error);
  CHECK_THROWS_AS(unfused::add_plane<float>(high, low, 0, high, pool), Error);
}

}  // namespace n2s
