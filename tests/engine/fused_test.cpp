// Fusion changes how a graph runs, not what it computes; autograd gives the derivative of the loss.
#include "engine/graph/fusion.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/autograd.h"
#include "engine/runtime/executor.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

using namespace n2s;
using test::kSanitized;

namespace {

struct Outcome {
  std::vector<float> output, gradients;
  double loss = 0;
  std::size_t arena_bytes = 0;
};

Outcome train_once(const Graph& forward, const Extents& extents) {
  CpuBackend backend;
  ParameterMemory memory(backend, forward.layers, true);
  std::vector<float> parameters = initial_parameters(forward.layers, 11);
  // Biases other than 0, so that a bias in the wrong place shows.
  const std::vector<float> nudge = test::random_values(parameters.size(), 12);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] += 0.01F * nudge[i];
  memory.upload(ParameterMemory::Part::values, parameters);
  Executor executor(backend, differentiate(forward), extents, memory);
  const Graph& graph = executor.graph();
  const auto fill = [&](ValueId id, std::uint64_t seed) {
    executor.set(id, test::random_values(static_cast<std::size_t>(executor.shape(id).elements()), seed));
  };
  fill(graph.input, 21);
  fill(graph.target, 22);
  executor.run();
  return {executor.get(graph.output), memory.download(ParameterMemory::Part::gradients), executor.loss(),
          executor.plan().arena_bytes};
}

double largest(const std::vector<float>& values) {
  double result = 0;
  for (const float v : values) result = std::max(result, std::abs(double{v}));
  return result;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (std::size_t i = 0; i < a.size(); ++i) result = std::max(result, std::abs(double{a[i]} - double{b[i]}));
  return result;
}

/// Mean squared difference over the mean square of `truth`.
double normalised_error(std::span<const float> truth, std::span<const float> other) {
  double difference = 0;
  double power = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double d = double{truth[i]} - double{other[i]};
    difference += d * d;
    power += double{truth[i]} * double{truth[i]};
  }
  return difference / power;
}

void check_gradients(const std::vector<Layer>& layers, const Outcome& unfused, const Outcome& fused) {
  const ParameterLayout layout = parameter_layout(layers);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    CAPTURE(layers[l].name);
    const auto part = [&](const std::vector<float>& all, const ParameterRange& range) {
      return std::span(all).subspan(range.offset, range.count);
    };
    for (const ParameterRange& range : {layout.layers[l].weight, layout.layers[l].bias})
      // Rounding alone gives up to 1e-10. Where it moves a number across 0 or makes another pixel the largest of its
      // window, though, the activation's or the pooling's derivative jumps for that pixel: one in thousands. A missing
      // term or a wrong mask is off by 1e-3 and more.
      CHECK(normalised_error(part(unfused.gradients, range), part(fused.gradients, range)) <= 1e-6);
  }
}

template <typename Op>
int count(const Graph& graph) {
  return static_cast<int>(std::count_if(graph.operations.begin(), graph.operations.end(),
                                        [](const Operation& op) { return std::holds_alternative<Op>(op); }));
}

}  // namespace

TEST_CASE("fused equals unfused: output, loss and every gradient") {
  for (const Network& network : networks())
    for (const int planes : {1, 2, 5}) {
      const std::string name = network.name;
      CAPTURE(name);
      CAPTURE(planes);
      const Graph unfused_graph = network.build(planes);
      const Graph fused_graph = fuse(unfused_graph);
      for (const Extents& extents : {Extents{3, 32, 64}, Extents{1, 64, 32}}) {
        if (kSanitized && (planes == 2 || extents.batch == 1)) continue;
        CAPTURE(extents.batch);
        const Outcome unfused = train_once(unfused_graph, extents);
        const Outcome fused = train_once(fused_graph, extents);
        CHECK(largest_difference(unfused.output, fused.output) <= 1e-5 * std::max(1.0, largest(unfused.output)));
        CHECK(fused.loss == doctest::Approx(unfused.loss).epsilon(1e-6));
        CHECK(unfused.loss > 0);
        check_gradients(unfused_graph.layers, unfused, fused);
        CHECK(fused.arena_bytes < unfused.arena_bytes);
      }
    }
}

TEST_CASE("all nets become convolutions alone, but for blurred pooling") {
  for (const Network& network : networks()) {
    const Graph unfused = network.build(4);
    const Graph fused = fuse(unfused);
    CHECK(count<Convolution>(fused) + count<BlurPool>(fused) == static_cast<int>(fused.operations.size()));
    CHECK(count<Convolution>(fused) == count<Convolution>(unfused));
    CHECK(fused.layers.size() == unfused.layers.size());
  }
}

TEST_CASE("what is read elsewhere is not fused away") {
  GraphBuilder g;
  const ValueId in = g.input(2);
  const ValueId linear = g.conv3x3("first", in, 8);
  const ValueId active = g.activation(linear, 0.1F);
  const ValueId both = g.concat(linear, active);  // needs the values before and after the activation
  const Graph unfused = g.finish(g.add_plane(g.activation(g.conv3x3("second", both, 1), 0.1F), in, 1));
  const Graph fused = fuse(unfused);
  CHECK(count<Activation>(fused) == 1);  // the second one is absorbed
  CHECK(count<Concat>(fused) == 1);
  CHECK(count<AddPlane>(fused) == 1);  // it follows an activation
  const Outcome a = train_once(unfused, {3, 7, 9});
  const Outcome b = train_once(fused, {3, 7, 9});
  CHECK(largest_difference(a.output, b.output) <= 1e-5);
  check_gradients(unfused.layers, a, b);
}

TEST_CASE("a value that is pooled and nothing else, and a skip that is the input") {
  GraphBuilder g;
  const ValueId in = g.input(3);
  const ValueId pooled = g.maxpool2(g.activation(g.conv3x3("down", in, 16), 0.0F));
  const ValueId up = g.upsample2(g.activation(g.conv3x3("middle", pooled, 8), 0.1F));
  const Graph unfused = g.finish(g.conv3x3("out", g.concat(up, in), 2));
  const Outcome a = train_once(unfused, {5, 6, 10});
  const Outcome b = train_once(fuse(unfused), {5, 6, 10});
  CHECK(largest_difference(a.output, b.output) <= 1e-5);
  check_gradients(unfused.layers, a, b);
}

TEST_CASE("a graph is differentiated once, and only where every value reaches the output") {
  GraphBuilder g;
  const ValueId in = g.input(1);
  const Graph graph = g.finish(g.conv3x3("only", in, 1));
  CHECK_THROWS_AS(differentiate(differentiate(graph)), Error);
  GraphBuilder h;
  const ValueId input = h.input(1);
  h.conv3x3("dead end", input, 4);
  CHECK_THROWS_WITH_AS(differentiate(h.finish(h.conv3x3("live", input, 1))), doctest::Contains("dead end"), Error);
}
