// The receptive radius that tiling relies on, against what a changed input pixel really changes.
#include "engine/graph/receptive_field.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "engine/runtime/executor.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/sanitized.h"

namespace n2s {
namespace {

/// Weights that average their inputs, and no biases: with positive inputs every activation passes, and a large pixel is
/// the maximum of each pooling window that it reaches, so that its influence is not hidden anywhere.
std::vector<float> averaging_parameters(const std::vector<Layer>& layers) {
  const ParameterLayout layout = parameter_layout(layers);
  std::vector<float> values(layout.total, 0.0F);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const ParameterRange& weight = layout.layers[l].weight;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(weight.offset), weight.count,
                1.0F / (9.0F * static_cast<float>(layers[l].in_channels)));
  }
  return values;
}

/// A network that runs on planes of one size with direct convolutions: Winograd's rounding would carry further than the
/// network sees.
class Probe {
 public:
  Probe(const Graph& graph, int height, int width)
      : height_(height),
        width_(width),
        parameters_(backend_, graph.layers, false),
        executor_(prepared(graph, parameters_), graph, {1, height, width}, parameters_) {
    unchanged_ = output({});
  }

  /// The largest distance along a row between a changed input pixel and an output pixel that it changes.
  int reach(int column) {
    const std::vector<float> changed = output(column);
    int farthest = 0;
    for (std::size_t i = 0; i < changed.size(); ++i)
      if (changed[i] != unchanged_[i]) farthest = std::max(farthest, std::abs(static_cast<int>(i) % width_ - column));
    return farthest;
  }

 private:
  Backend& prepared(const Graph& graph, ParameterMemory& parameters) {
    parameters.upload(ParameterMemory::Part::values, averaging_parameters(graph.layers));
    return backend_;
  }

  std::vector<float> output(std::optional<int> column) {
    constexpr float kLarge = 1e25F;  // divided by 9 in each of up to 18 convolutions, it is still far above rounding
    std::vector<float> input(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_), 1.0F);
    if (column)
      input[static_cast<std::size_t>(height_ / 2) * static_cast<std::size_t>(width_) +
            static_cast<std::size_t>(*column)] = kLarge;
    executor_.set(executor_.graph().input, input);
    executor_.run();
    return executor_.get(executor_.graph().output);
  }

  int height_, width_;
  CpuBackend backend_{CpuBackendOptions{0, CpuConvVariant::direct}};
  ParameterMemory parameters_;
  Executor executor_;
  std::vector<float> unchanged_;
};

}  // namespace

TEST_CASE("the paper's networks see 158 and 24 pixels far") {
  CHECK(receptive_radius(find_network("mri").build(5)) == 158);
  CHECK(receptive_radius(find_network("microscopy").build(2)) == 24);
}

TEST_CASE("the radius does not depend on fusion or on the number of planes") {
  for (const Network& network : networks())
    for (const int planes : {1, 4}) {
      CAPTURE(std::string(network.name));
      const int radius = receptive_radius(network.build(1));
      CHECK(receptive_radius(network.build(planes)) == radius);
      CHECK(receptive_radius(fuse(network.build(planes))) == radius);
    }
}

TEST_CASE("single operations see as far as they do") {
  GraphBuilder one;
  const ValueId input = one.input(1);
  CHECK(receptive_radius(one.finish(one.conv3x3("conv", input, 1))) == 1);

  GraphBuilder up_and_down;  // an output pixel sees the whole window of 2, on either side of it
  CHECK(receptive_radius(up_and_down.finish(up_and_down.upsample2(up_and_down.maxpool2(up_and_down.input(1))))) == 1);

  GraphBuilder deep;  // 3 pixels of half the size: 6 pixels, of which the output is one of the middle two
  const ValueId half = deep.maxpool2(deep.input(1));
  CHECK(receptive_radius(deep.finish(deep.upsample2(deep.conv3x3("conv", half, 1)))) == 3);
}

TEST_CASE("a differentiated graph is refused") {
  CHECK_THROWS_AS(receptive_radius(differentiate(find_network("microscopy").build(1))), Error);
}

TEST_CASE("a changed pixel changes outputs as far away as the radius says, and no farther") {
  for (const Network& network : networks()) {
    if (test::kSanitized && std::string(network.name) == "mri") continue;
    CAPTURE(std::string(network.name));
    const Graph graph = fuse(network.build(1));
    const int radius = receptive_radius(graph);
    const int divisor = 1 << depth(graph);
    const int middle = (radius / divisor + 2) * divisor;  // a larger radius would show, too
    Probe probe(graph, divisor, 2 * middle);
    int farthest = 0;
    for (int pixel = 0; pixel < divisor; ++pixel) farthest = std::max(farthest, probe.reach(middle + pixel));
    CHECK(farthest == radius);
  }
}

}  // namespace n2s
