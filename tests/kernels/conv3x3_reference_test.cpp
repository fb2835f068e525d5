// The reference itself: against a composition of unfused steps, against finite differences, and what it must refuse.
#include <doctest/doctest.h>

#include "kernels/base/error.h"
#include "tests/kernels/conv3x3_cases.h"

namespace n2s::test {
namespace {

/// A tensor of doubles that owns its memory.
struct Owned {
  explicit Owned(Shape s) : shape(s), values(static_cast<std::size_t>(s.elements())) {}
  Tensor<double> view() { return {values.data(), shape}; }
  Shape shape;
  std::vector<double> values;
};

Owned random_tensor(Shape shape, Draw& draw) {
  Owned tensor(shape);
  for (double& v : tensor.values) v = draw.value(Values::random);
  return tensor;
}

// The unfused steps, each a function that could not be plainer.
Owned concatenated(Owned& low, Owned& skip) {
  Shape shape = skip.shape;
  shape.channels += low.shape.channels;
  Owned result(shape);
  for (int n = 0; n < shape.batch; ++n)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        for (int c = 0; c < shape.channels; ++c)
          result.view().pixel(n, y, x)[c] = c < low.shape.channels ? low.view().pixel(n, y / 2, x / 2)[c]
                                                                   : skip.view().pixel(n, y, x)[c - low.shape.channels];
  return result;
}

Owned convolved(Owned& in, const std::vector<double>& weight, int outputs) {
  Owned result({in.shape.batch, in.shape.height, in.shape.width, outputs});
  const int inputs = in.shape.channels;
  for (int n = 0; n < in.shape.batch; ++n)
    for (int y = 0; y < in.shape.height; ++y)
      for (int x = 0; x < in.shape.width; ++x)
        for (int i = 0; i < outputs * inputs * 9; ++i) {
          const int sy = y + i % 9 / 3 - 1, sx = x + i % 3 - 1;
          if (sy < 0 || sy >= in.shape.height || sx < 0 || sx >= in.shape.width) continue;
          result.view().pixel(n, y, x)[i / 9 / inputs] +=
              weight[static_cast<std::size_t>(i)] * in.view().pixel(n, sy, sx)[i / 9 % inputs];
        }
  return result;
}

struct Net {
  explicit Net(Draw& draw)
      : low(random_tensor({2, 2, 3, 3}, draw)),
        skip(random_tensor({2, 4, 6, 2}, draw)),
        weight(random_tensor({1, 1, 1, 4 * 5 * 9}, draw)),
        bias(random_tensor({1, 1, 1, 4}, draw)),
        residual(random_tensor({2, 4, 6, 2}, draw)),
        out({2, 4, 6, 4}),
        pooled({2, 2, 3, 4}),
        argmax(pooled.values.size()) {}
  Conv3x3Forward forward() {
    return {{low.view(), skip.view()},
            weight.values.data(),
            bias.values.data(),
            0.1,
            residual.view(),
            1,
            out.view(),
            pooled.view(),
            {argmax.data(), pooled.shape}};
  }
  Owned low, skip, weight, bias, residual, out, pooled;
  std::vector<std::uint8_t> argmax;
};

TEST_CASE("the fused reference is the composition of the unfused steps") {
  Draw draw(1);
  Net net(draw);
  conv3x3_forward_reference(net.forward());
  Owned source = concatenated(net.low, net.skip);
  Owned expected = convolved(source, net.weight.values, 4);
  for (int n = 0; n < 2; ++n)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 6; ++x)
        for (int c = 0; c < 4; ++c) {
          double& v = expected.view().pixel(n, y, x)[c];
          v += net.bias.values[static_cast<std::size_t>(c)];
          v = std::max(v, 0.1 * v) + net.residual.view().pixel(n, y, x)[1];
          CHECK(net.out.view().pixel(n, y, x)[c] == doctest::Approx(v));
        }
  for (int n = 0; n < 2; ++n)
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 3; ++x)
        for (int c = 0; c < 4; ++c) {
          const auto at = [&](int i) { return net.out.view().pixel(n, 2 * y + i / 2, 2 * x + i % 2)[c]; };
          const double pooled = net.pooled.view().pixel(n, y, x)[c];
          CHECK(pooled == std::max({at(0), at(1), at(2), at(3)}));
          CHECK(pooled == at(net.argmax[static_cast<std::size_t>(net.pooled.view().pixel(n, y, x) + c -
                                                                 net.pooled.values.data())]));
        }
}

// A loss that is linear in both outputs, so that its gradients are what the backward passes take.
double loss(Net& net, const Owned& dense, const Owned& pooled) {
  conv3x3_forward_reference(net.forward());
  double sum = 0;
  for (std::size_t i = 0; i < dense.values.size(); ++i) sum += dense.values[i] * net.out.values[i];
  for (std::size_t i = 0; i < pooled.values.size(); ++i) sum += pooled.values[i] * net.pooled.values[i];
  return sum;
}

void check_differences(Net& net, Owned& parameter, const std::vector<double>& gradient, const Owned& dense,
                       const Owned& pooled) {
  constexpr double kStep = 1e-6;
  for (std::size_t i = 0; i < parameter.values.size(); ++i) {
    const double value = parameter.values[i];
    parameter.values[i] = value + kStep;
    const double above = loss(net, dense, pooled);
    parameter.values[i] = value - kStep;
    const double below = loss(net, dense, pooled);
    parameter.values[i] = value;
    CHECK(gradient[i] == doctest::Approx((above - below) / (2 * kStep)).epsilon(1e-5));
  }
}

TEST_CASE("the reference's gradients are finite differences") {
  Draw draw(2);
  Net net(draw);
  const Owned dense = random_tensor(net.out.shape, draw), pooled = random_tensor(net.pooled.shape, draw);
  loss(net, dense, pooled);
  // Before the activation: what the graph's activation step does to the dense and to the pooled gradient.
  Owned dense_before = dense, pooled_before = pooled;
  const auto slope_at = [&](int n, int y, int x, int c) {
    return net.out.view().pixel(n, y, x)[c] - net.residual.view().pixel(n, y, x)[1] > 0 ? 1.0 : 0.1;
  };
  for (int i = 0; i < 2 * 4 * 6 * 4; ++i)
    dense_before.values[static_cast<std::size_t>(i)] *= slope_at(i / 96, i / 24 % 4, i / 4 % 6, i % 4);
  for (int i = 0; i < 2 * 2 * 3 * 4; ++i) {
    const int where = net.argmax[static_cast<std::size_t>(i)];
    pooled_before.values[static_cast<std::size_t>(i)] *=
        slope_at(i / 24, i / 12 % 2 * 2 + where / 2, i / 4 % 3 * 2 + where % 2, i % 4);
  }
  const std::vector<std::uint8_t> argmax = net.argmax;
  const ConvOutputGradient output_gradient{
      dense_before.view(), pooled_before.view(), {argmax.data(), pooled_before.shape}};
  Owned low(net.low.shape), skip(net.skip.shape), weight(net.weight.shape), bias(net.bias.shape);
  conv3x3_data_gradient_reference(
      {output_gradient, net.weight.values.data(), 3, 2, {low.view(), {}, 1, false}, {skip.view(), {}, 1, false}});
  conv3x3_weight_gradient_reference(
      {{net.low.view(), net.skip.view()}, output_gradient, weight.values.data(), bias.values.data()});
  check_differences(net, net.low, low.values, dense, pooled);
  check_differences(net, net.skip, skip.values, dense, pooled);
  check_differences(net, net.weight, weight.values, dense, pooled);
  check_differences(net, net.bias, bias.values, dense, pooled);
}

TEST_CASE("a gradient is masked by the activation and accumulated") {
  const double output_gradient[] = {1, 2}, weight[] = {0, 0, 0, 0, 3, 0, 0, 0, 0}, activated[] = {1, -1};
  double gradient[] = {10, 20};
  const Shape shape{1, 1, 2, 1};
  conv3x3_data_gradient_reference(
      {{{output_gradient, shape}, {}, {}}, weight, 0, 1, {}, {{gradient, shape}, {activated, shape}, 0.5, true}});
  CHECK(gradient[0] == 13);
  CHECK(gradient[1] == 23);
}

TEST_CASE("the reference refuses missing weights and mixed types") {
  double values[64] = {};
  float single[64] = {};
  const Shape shape{1, 2, 2, 1};
  Conv3x3Forward good;
  good.source.skip = {values, shape};
  good.weight = values;
  good.out = {values + 32, shape};
  conv3x3_forward_reference(good);
  const auto refused = [&](const char* message, auto change) {
    Conv3x3Forward p = good;
    change(p);
    CHECK_THROWS_WITH_AS(conv3x3_forward_reference(p), doctest::Contains(message), Error);
  };
  refused("weight is missing", [&](auto& p) { p.weight = nullptr; });
  refused("weight is stored as fp32", [&](auto& p) { p.weight = single; });
  refused("bias is stored as fp32", [&](auto& p) { p.bias = single; });
  refused("out is stored as fp32", [&](auto& p) { p.out = {single, shape}; });
  refused("out is stored as fp64", [&](auto& p) { p.source.skip = {single, shape}, p.weight = single; });
}

}  // namespace
}  // namespace n2s::test
