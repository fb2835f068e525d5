// The gradients that autograd arranges against differences of the loss, in double precision so that differences are
// sharp. The graphs are the ones that the backends run; only the arithmetic is another.
#include "engine/graph/autograd.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/graph/fusion.h"
#include "nets/network.h"
#include "tests/kernels/random_image.h"
#include "tests/nets/double_executor.h"

using namespace n2s;

namespace {

/// Every kind of operation, each value with one reader and with two; 7 channels at most.
Graph small_graph() {
  GraphBuilder g;
  const ValueId in = g.input(2);
  const ValueId first = g.activation(g.conv3x3("first", in, 3), 0.1F);
  const ValueId second = g.activation(g.conv3x3("second", first, 2), 0.0F);  // pooled, and a skip
  const ValueId deep = g.activation(g.conv3x3("deep", g.maxpool2(second), 3), 0.1F);
  const ValueId linear = g.conv3x3("linear", deep, 2);
  const ValueId both = g.concat(linear, g.activation(linear, 0.1F));  // read before and after its activation
  const ValueId up = g.activation(g.conv3x3("up", g.concat(g.upsample2(both), second), 3), 0.1F);
  return g.finish(g.add_plane(g.conv3x3("last", up, 2), in, 1));
}

std::vector<double> parameters_for(const Graph& graph) {
  const std::vector<float> initial = initial_parameters(graph.layers, 3);
  std::vector<double> parameters(initial.begin(), initial.end());
  const std::vector<float> nudge = test::random_values(parameters.size(), 4);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] += 0.1 * double{nudge[i]};  // biases are 0
  return parameters;
}

/// The loss for these parameters, and its gradients.
struct Point {
  double loss;
  std::vector<double> gradients;
};
Point evaluate(const Graph& forward, const Extents& extents, std::vector<double> parameters) {
  DoubleExecutor executor(differentiate(forward), extents, std::move(parameters));
  const auto fill = [&](ValueId id, std::uint64_t seed) {
    std::vector<double>& values = executor.at(id);
    const std::vector<float> random = test::random_values(values.size(), seed);
    std::copy(random.begin(), random.end(), values.begin());
  };
  fill(executor.graph().input, 5);
  fill(executor.graph().target, 6);
  const double loss = executor.run();
  return {loss, executor.gradients()};
}

}  // namespace

TEST_CASE("every gradient of a small graph, plain and fused, is the slope of the loss") {
  constexpr double kStep = 1e-6;
  const Extents extents{3, 6, 10};
  for (const Graph& graph : {small_graph(), fuse(small_graph())}) {
    const std::vector<double> parameters = parameters_for(graph);
    const Point here = evaluate(graph, extents, parameters);
    double largest = 0;
    for (const double gradient : here.gradients) largest = std::max(largest, std::abs(gradient));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      std::vector<double> moved = parameters;
      moved[i] = parameters[i] + kStep;
      const double above = evaluate(graph, extents, moved).loss;
      moved[i] = parameters[i] - kStep;
      const double slope = (above - evaluate(graph, extents, moved).loss) / (2 * kStep);
      CAPTURE(i);
      // Rounding of the losses gives 1e-10, the step's square less. A pixel that crosses an activation's 0 within the
      // step would add up to 1e-3; with this seed there is none.
      CHECK(std::abs(slope - here.gradients[i]) <= 1e-7 * largest);
    }
  }
}

TEST_CASE("the gradients of both nets give the slope of the loss in random directions") {
  constexpr double kStep = 1e-7;  // small, since among many pixels some cross 0: an error in proportion to the step
  const Extents extents{1, 32, 32};
  for (const Network& network : networks()) {
    const Graph graph = fuse(network.build(2));
    const std::vector<double> parameters = parameters_for(graph);
    const Point here = evaluate(graph, extents, parameters);
    for (const std::uint64_t seed : {7U, 8U}) {
      const std::vector<float> direction = test::random_values(parameters.size(), seed);
      double expected = 0;
      for (std::size_t i = 0; i < parameters.size(); ++i) expected += double{direction[i]} * here.gradients[i];
      const auto loss_at = [&](double distance) {
        std::vector<double> moved = parameters;
        for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += distance * double{direction[i]};
        return evaluate(graph, extents, moved).loss;
      };
      const double slope = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
      CHECK(slope == doctest::Approx(expected).epsilon(1e-4));
    }
  }
}

TEST_CASE("plain and fused gradients of both nets are the same to double precision") {
  for (const Network& network : networks()) {
    const Graph plain = network.build(2);
    const std::vector<double> parameters = parameters_for(plain);
    const Point a = evaluate(plain, {2, 32, 32}, parameters);
    const Point b = evaluate(fuse(plain), {2, 32, 32}, parameters);
    CHECK(a.loss == doctest::Approx(b.loss).epsilon(1e-14));
    double difference = 0;
    double power = 0;
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
      difference += (a.gradients[i] - b.gradients[i]) * (a.gradients[i] - b.gradients[i]);
      power += a.gradients[i] * a.gradients[i];
    }
    CHECK(difference <= 1e-26 * power);
  }
}
