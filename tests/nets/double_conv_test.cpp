// The quick double-precision convolution against the obviously right one.
#include "double_conv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/base/philox.h"

namespace n2s {
namespace {

struct Owned {
  Owned(const Shape& s, std::uint64_t seed) : shape(s), values(static_cast<std::size_t>(s.elements())) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 2.0 * random_uniform({seed, Purpose::test}, static_cast<std::uint32_t>(i)) - 1;
  }
  /// Nothing where there are no channels.
  Tensor<double> view() { return {shape.channels > 0 ? values.data() : nullptr, shape}; }

  Shape shape;
  std::vector<double> values;
};

void check_near(const Owned& quick, const Owned& reference) {
  double worst = 0;
  for (std::size_t i = 0; i < quick.values.size(); ++i)
    worst = std::max(worst, std::abs(quick.values[i] - reference.values[i]));
  CHECK(worst <= 1e-12);
}

struct Case {
  int height, width, low, skip, out;
  bool dense, pooled;
  double slope;
};

void check(const Case& c, ThreadPool& pool) {
  const auto full = [&](int channels) { return Shape{2, c.height, c.width, channels}; };
  const auto half = [&](int channels) { return Shape{2, c.height / 2, c.width / 2, channels}; };
  const int inputs = c.low + c.skip;
  Owned low(half(c.low), 1);
  Owned skip(full(c.skip), 2);
  Owned weight({c.out, inputs, 3, 3}, 3);
  Owned bias({1, 1, 1, c.out}, 4);
  Owned residual(full(3), 5);
  Owned dense(full(c.dense ? c.out : 0), 6);
  Owned pooled(half(c.pooled ? c.out : 0), 7);
  std::vector<std::uint8_t> argmax(pooled.values.size());
  const Tensor<std::uint8_t> where{c.pooled ? argmax.data() : nullptr, pooled.shape};

  const auto forward = [&](Owned& out, Owned& maximum) {
    return Conv3x3Forward{{low.view(), skip.view()},
                          weight.values.data(),
                          bias.values.data(),
                          c.slope,
                          residual.view(),
                          2,
                          out.view(),
                          maximum.view(),
                          where};
  };
  Owned out = dense, maximum = pooled, expected_out = dense, expected_maximum = pooled;
  conv3x3_forward_reference(forward(expected_out, expected_maximum));
  const std::vector<std::uint8_t> expected_argmax = argmax;
  double_forward(forward(out, maximum), pool);
  check_near(out, expected_out);
  check_near(maximum, expected_maximum);
  CHECK(argmax == expected_argmax);

  const ConvOutputGradient output_gradient{dense.view(), pooled.view(), where};
  const auto data = [&](Owned& to_low, Owned& to_skip) {
    return Conv3x3DataGradient{output_gradient,
                               weight.values.data(),
                               c.low,
                               c.skip,
                               {to_low.view(), low.view(), c.slope, true},
                               {to_skip.view(), {}, 1, false}};
  };
  Owned to_low = low, to_skip = skip, expected_low = low, expected_skip = skip;
  conv3x3_data_gradient_reference(data(expected_low, expected_skip));
  double_data_gradient(data(to_low, to_skip), pool);
  check_near(to_low, expected_low);
  check_near(to_skip, expected_skip);

  const auto weights = [&](Owned& to_weight, Owned& to_bias) {
    return Conv3x3WeightGradient{
        {low.view(), skip.view()}, output_gradient, to_weight.values.data(), to_bias.values.data()};
  };
  Owned to_weight = weight, to_bias = bias, expected_weight = weight, expected_bias = bias;
  conv3x3_weight_gradient_reference(weights(expected_weight, expected_bias));
  double_weight_gradient(weights(to_weight, to_bias), pool);
  check_near(to_weight, expected_weight);
  check_near(to_bias, expected_bias);
}

}  // namespace

TEST_CASE("the quick convolution in double precision says the same as the reference") {
  ThreadPool pool;
  for (const Case& c : {Case{4, 6, 3, 2, 9, true, true, 0.1}, Case{8, 14, 0, 5, 1, true, false, 1},
                        Case{2, 2, 8, 0, 16, false, true, 0}, Case{1, 3, 0, 1, 3, true, false, 0.1}})
    check(c, pool);
}

}  // namespace n2s
