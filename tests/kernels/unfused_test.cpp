// The unfused operations: the reference's gradients against finite differences of its forward passes, and the CPU's
// operations against the reference.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "kernels/unfused/unfused.h"
#include "tests/kernels/conv3x3_cases.h"

namespace n2s::test {
namespace {

using Values64 = std::vector<double>;

const Shape kLow{2, 3, 2, 5};
const Shape kHigh{2, 6, 4, 5};
const Shape kSecond{2, 6, 4, 2};
const Shape kBoth{2, 6, 4, 7};
const Shape kSource{2, 6, 4, 3};

Values64 random_values(const Shape& shape, std::uint32_t item) {
  Values64 values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = random_normal({3, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i));
  return values;
}

Values64 zeros(const Shape& shape) {
  return Values64(static_cast<std::size_t>(shape.elements()));
}

double dot(const Values64& a, const Values64& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

using Forward = std::function<Values64(const Values64&)>;

/// d(sum of forward(in) * output_gradient) / d(in), by central differences.
Values64 finite_differences(Values64 in, const Values64& output_gradient, const Forward& forward) {
  constexpr double kStep = 1e-6;
  Values64 gradient;
  for (double& x : in) {
    const double here = x;
    x = here + kStep;
    const double above = dot(forward(in), output_gradient);
    x = here - kStep;
    const double below = dot(forward(in), output_gradient);
    x = here;
    gradient.push_back((above - below) / (2 * kStep));
  }
  return gradient;
}

void check_close(const Values64& a, const Values64& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
}

ConvGradientTarget into(Values64& gradient, const Shape& shape) {
  return {{gradient.data(), shape}, {}, 1, false};
}

/// The CPU's result and the reference's, after the same call.
void check_same(TensorPair& pair) {
  CHECK(nmse(pair.single.span(), pair.exact) <= 1e-13);
  CHECK(pair.single.intact());
}

/// Runs a gradient with each kind of target: as it is, through an activation, added to what is there.
void for_targets(Draw& draw, const Shape& shape,
                 const std::function<void(const ConvGradientTarget&, const ConvGradientTarget&)>& gradient) {
  TensorPair activated = draw.pair(shape, Values::random);
  for (const bool masked : {false, true})
    for (const bool accumulate : {false, true}) {
      CAPTURE(masked);
      CAPTURE(accumulate);
      TensorPair result = draw.pair(shape, Values::random);
      constexpr double kSlope = 0.125;
      gradient({result.tensor(), masked ? activated.tensor() : FloatTensor{}, kSlope, accumulate},
               {result.reference(), masked ? activated.reference() : Tensor<double>{}, kSlope, accumulate});
      check_same(result);
    }
}

}  // namespace

TEST_CASE("the reference of the activation") {
  const Values64 in = random_values(kHigh, 0);
  const Values64 output_gradient = random_values(kHigh, 1);
  for (const double slope : {0.0, 0.1}) {
    const auto forward = [&](const Values64& x) {
      Values64 out = zeros(kHigh);
      unfused::activation_reference({x.data(), kHigh}, slope, {out.data(), kHigh});
      return out;
    };
    const Values64 out = forward(in);
    for (std::size_t i = 0; i < in.size(); ++i) CHECK(out[i] == (in[i] > 0 ? in[i] : slope * in[i]));
    Values64 gradient = zeros(kHigh);
    unfused::activation_gradient_reference({output_gradient.data(), kHigh}, {out.data(), kHigh}, slope,
                                           into(gradient, kHigh));
    check_close(gradient, finite_differences(in, output_gradient, forward));
  }
}

TEST_CASE("the reference of max pooling keeps the first of equals, and its gradient goes there") {
  Values64 in = random_values(kHigh, 2);
  std::vector<std::uint8_t> argmax(static_cast<std::size_t>(kLow.elements()));
  const auto forward = [&](const Values64& x) {
    Values64 out = zeros(kLow);
    unfused::maxpool2_reference({x.data(), kHigh}, {out.data(), kLow}, {argmax.data(), kLow});
    return out;
  };
  const Values64 output_gradient = random_values(kLow, 3);
  const Values64 expected = finite_differences(in, output_gradient, forward);
  forward(in);
  Values64 gradient = zeros(kHigh);
  unfused::maxpool2_gradient_reference({output_gradient.data(), kLow}, {argmax.data(), kLow}, into(gradient, kHigh));
  check_close(gradient, expected);
  std::fill(in.begin(), in.end(), 4.0);
  CHECK(forward(in) == Values64(argmax.size(), 4.0));
  CHECK(argmax == std::vector<std::uint8_t>(argmax.size(), 0));
}

TEST_CASE("the reference of blurred pooling: a constant stays, a point is spread, and the gradient is its derivative") {
  const auto forward = [&](const Values64& x) {
    Values64 out = zeros(kLow);
    unfused::blurpool2_reference({x.data(), kHigh}, {out.data(), kLow});
    return out;
  };
  CHECK(forward(Values64(zeros(kHigh).size(), 4.0)) == Values64(zeros(kLow).size(), 4.0));
  // One bright pixel at (3, 2) is the maximum of four windows: rows 2 and 3, columns 1 and 2.
  Values64 in = zeros(kHigh);
  in[std::size_t{3 * 4 + 2} * 5] = 16;
  const Values64 out = forward(in);
  const auto at = [&](int y, int x) { return out[static_cast<std::size_t>(2 * y + x) * 5]; };
  CHECK(at(0, 0) == 0);
  CHECK(at(1, 0) == 16 * 0.75 * 0.25);
  CHECK(at(1, 1) == 16 * 0.75 * 0.75);
  CHECK(at(2, 1) == 16 * 0.25 * 0.75);
  const Values64 values = random_values(kHigh, 2);
  const Values64 output_gradient = random_values(kLow, 3);
  Values64 gradient = zeros(kHigh);
  unfused::blurpool2_gradient_reference({output_gradient.data(), kLow}, {values.data(), kHigh}, into(gradient, kHigh));
  check_close(gradient, finite_differences(values, output_gradient, forward));
}

TEST_CASE("the reference of upsampling copies each pixel four times, and its gradient sums them") {
  const Values64 in = random_values(kLow, 4);
  const Values64 output_gradient = random_values(kHigh, 5);
  const auto forward = [&](const Values64& x) {
    Values64 out = zeros(kHigh);
    unfused::upsample2_reference({x.data(), kLow}, {out.data(), kHigh});
    return out;
  };
  const Values64 out = forward(in);
  CHECK(dot(out, Values64(out.size(), 1)) == doctest::Approx(4 * dot(in, Values64(in.size(), 1))));
  Values64 gradient = zeros(kLow);
  unfused::upsample2_gradient_reference({output_gradient.data(), kHigh}, into(gradient, kLow));
  check_close(gradient, finite_differences(in, output_gradient, forward));
}

TEST_CASE("the reference of the concatenation, and targets that accumulate behind an activation") {
  const Values64 first = random_values(kHigh, 6);
  const Values64 second = random_values(kSecond, 7);
  Values64 out = zeros(kBoth);
  unfused::concat_reference({first.data(), kHigh}, {second.data(), kSecond}, {out.data(), kBoth});
  const Tensor<const double> joined{out.data(), kBoth};
  CHECK(joined.pixel(1, 2, 3)[4] == Tensor<const double>{first.data(), kHigh}.pixel(1, 2, 3)[4]);
  CHECK(joined.pixel(1, 2, 3)[6] == Tensor<const double>{second.data(), kSecond}.pixel(1, 2, 3)[1]);

  // The output gradient is split; one target adds to 10 through a mask, the other stores.
  Values64 first_gradient(first.size(), 10.0);
  Values64 second_gradient(second.size(), 10.0);
  unfused::concat_gradient_reference({out.data(), kBoth},
                                     {{first_gradient.data(), kHigh}, {first.data(), kHigh}, 0.1, true},
                                     into(second_gradient, kSecond), kHigh.channels);
  for (std::size_t i = 0; i < first.size(); ++i)
    CHECK(first_gradient[i] == doctest::Approx(10 + first[i] * (first[i] > 0 ? 1 : 0.1)));
  CHECK(second_gradient == second);
}

TEST_CASE("the reference of the residual adds one plane to every channel") {
  const Values64 in = random_values(kHigh, 8);
  const Values64 source = random_values(kSource, 9);
  Values64 out = zeros(kHigh);
  unfused::add_plane_reference({in.data(), kHigh}, {source.data(), kSource}, 2, {out.data(), kHigh});
  for (std::size_t i = 0; i < in.size(); ++i) CHECK(out[i] == in[i] + source[i / 5 * 3 + 2]);
  Values64 gradient = zeros(kHigh);
  unfused::copy_gradient_reference({out.data(), kHigh}, into(gradient, kHigh));
  CHECK(gradient == out);
}

TEST_CASE("the CPU's activation and its gradient are the reference's") {
  ThreadPool pool(2);
  Draw draw(1);
  TensorPair in = draw.pair(kHigh, Values::random);
  for (const float slope : {0.0F, 0.125F}) {
    TensorPair out = poisoned(kHigh);
    unfused::activation(in.tensor(), slope, out.tensor(), pool);
    unfused::activation_reference(in.reference(), slope, out.reference());
    check_same(out);
  }
  TensorPair output_gradient = draw.pair(kHigh, Values::random);
  for_targets(draw, kHigh, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::activation_gradient(output_gradient.tensor(), in.tensor(), 0.25F, to, pool);
    unfused::activation_gradient_reference(output_gradient.reference(), in.reference(), 0.25, reference);
  });
}

TEST_CASE("the CPU's max pooling, the places of its maxima, and its gradient are the reference's") {
  ThreadPool pool(2);
  Draw draw(2);
  TensorPair in = draw.pair(kHigh, Values::integers);  // with ties
  TensorPair out = poisoned(kLow);
  Guarded<std::uint8_t> places(static_cast<std::size_t>(kLow.elements()));
  std::vector<std::uint8_t> expected(places.size());
  unfused::maxpool2(in.tensor(), out.tensor(), {places.data(), kLow}, pool);
  unfused::maxpool2_reference(in.reference(), out.reference(), {expected.data(), kLow});
  check_same(out);
  CHECK(std::equal(expected.begin(), expected.end(), places.span().begin()));
  CHECK(places.intact());
  TensorPair without = poisoned(kLow);
  unfused::maxpool2(in.tensor(), without.tensor(), {}, pool);
  CHECK(std::equal(out.single.span().begin(), out.single.span().end(), without.single.span().begin()));
  TensorPair output_gradient = draw.pair(kLow, Values::random);
  for_targets(draw, kHigh, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::maxpool2_gradient(output_gradient.tensor(), {places.data(), kLow}, to, pool);
    unfused::maxpool2_gradient_reference(output_gradient.reference(), {expected.data(), kLow}, reference);
  });
}

TEST_CASE("the CPU's blurred pooling and its gradient are the reference's, with ties too") {
  ThreadPool pool(2);
  for (const Values kind : {Values::random, Values::integers}) {
    Draw draw(5);
    TensorPair in = draw.pair(kHigh, kind);
    TensorPair out = poisoned(kLow);
    unfused::blurpool2(in.tensor(), out.tensor(), pool);
    unfused::blurpool2_reference(in.reference(), out.reference());
    check_same(out);
    TensorPair output_gradient = draw.pair(kLow, Values::random);
    for_targets(draw, kHigh, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
      unfused::blurpool2_gradient(output_gradient.tensor(), in.tensor(), to, pool);
      unfused::blurpool2_gradient_reference(output_gradient.reference(), in.reference(), reference);
    });
  }
}

TEST_CASE("the CPU's upsampling and its gradient are the reference's") {
  ThreadPool pool(2);
  Draw draw(3);
  TensorPair in = draw.pair(kLow, Values::random);
  TensorPair out = poisoned(kHigh);
  unfused::upsample2(in.tensor(), out.tensor(), pool);
  unfused::upsample2_reference(in.reference(), out.reference());
  check_same(out);
  TensorPair output_gradient = draw.pair(kHigh, Values::random);
  for_targets(draw, kLow, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::upsample2_gradient(output_gradient.tensor(), to, pool);
    unfused::upsample2_gradient_reference(output_gradient.reference(), reference);
  });
}

TEST_CASE("the CPU's concatenation and its gradient, both halves, are the reference's") {
  ThreadPool pool(2);
  Draw draw(4);
  TensorPair first = draw.pair(kHigh, Values::random);
  TensorPair second = draw.pair(kSecond, Values::random);
  TensorPair out = poisoned(kBoth);
  unfused::concat(first.tensor(), second.tensor(), out.tensor(), pool);
  unfused::concat_reference(first.reference(), second.reference(), out.reference());
  check_same(out);
  for_targets(draw, kHigh, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::concat_gradient(out.tensor(), to, {}, kHigh.channels, pool);
    unfused::concat_gradient_reference(out.reference(), reference, {}, kHigh.channels);
  });
  for_targets(draw, kSecond, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::concat_gradient(out.tensor(), {}, to, kHigh.channels, pool);
    unfused::concat_gradient_reference(out.reference(), {}, reference, kHigh.channels);
  });
}

TEST_CASE("the CPU's residual and its gradient are the reference's") {
  ThreadPool pool(2);
  Draw draw(5);
  TensorPair in = draw.pair(kHigh, Values::random);
  TensorPair source = draw.pair(kSource, Values::random);
  TensorPair out = poisoned(kHigh);
  unfused::add_plane(in.tensor(), source.tensor(), 2, out.tensor(), pool);
  unfused::add_plane_reference(in.reference(), source.reference(), 2, out.reference());
  check_same(out);
  for_targets(draw, kHigh, [&](const ConvGradientTarget& to, const ConvGradientTarget& reference) {
    unfused::copy_gradient(in.tensor(), to, pool);
    unfused::copy_gradient_reference(in.reference(), reference);
  });
}

TEST_CASE("shapes that do not fit are refused") {
  ThreadPool pool(1);
  std::vector<float> values(static_cast<std::size_t>(kHigh.elements()));
  const FloatTensor high{values.data(), kHigh};
  const FloatTensor low{values.data(), kLow};
  CHECK_THROWS_AS(unfused::activation(high, 0.1F, low, pool), Error);
  CHECK_THROWS_AS(unfused::maxpool2(low, high, {}, pool), Error);
  CHECK_THROWS_AS(unfused::blurpool2(low, high, pool), Error);
  CHECK_THROWS_AS(unfused::upsample2(high, low, pool), Error);
  CHECK_THROWS_AS(unfused::concat(high, low, high, pool), Error);
  CHECK_THROWS_AS(unfused::add_plane(high, low, 0, high, pool), Error);
}

}  // namespace n2s::test
