// The table of networks: every row is complete, and no name stands for another network.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "data/normalisation.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/error.h"
#include "nets/network.h"

namespace n2s {
namespace {

std::string message_for(const std::string& name) {
  try {
    find_network(name);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("models of earlier versions find their networks") {
  CHECK(std::string(find_network("mri").name) == "mri");
  CHECK(std::string(find_network("microscopy").name) == "microscopy");
}

TEST_CASE("an unknown network is refused, with the names that there are") {
  for (const std::string name : {"", "unet", "MRI", "mri ", "care"}) {
    CAPTURE(name);
    for (const Network& network : networks()) CHECK(message_for(name).find(network.name) != std::string::npos);
  }
  CHECK(network_names() == "mri, microscopy, blind-spot or n2v2");
}

TEST_CASE("names are unique, and so are the defaults for each kind of file") {
  std::set<std::string> names;
  int for_medical = 0;
  int for_others = 0;
  for (const Network& network : networks()) {
    CHECK(names.insert(network.name).second);
    CHECK(&find_network(network.name) == &network);
    for_medical += network.default_for == DefaultFor::medical_files ? 1 : 0;
    for_others += network.default_for == DefaultFor::other_files ? 1 : 0;
  }
  CHECK(for_medical == 1);
  CHECK(for_others == 1);
  CHECK(std::string(default_network(DefaultFor::medical_files).name) == "mri");
  CHECK(std::string(default_network(DefaultFor::other_files).name) == "microscopy");
}

TEST_CASE("every network makes one plane from any number of planes, by layers with names of their own") {
  for (const Network& network : networks())
    for (const int planes : {1, 2, 5, 64}) {
      CAPTURE(std::string(network.name));
      CAPTURE(planes);
      const Graph graph = network.build(planes);
      CHECK(graph.values.at(static_cast<std::size_t>(graph.input)).channels == planes);
      const Value& output = graph.values.at(static_cast<std::size_t>(graph.output));
      CHECK(output.channels == 1);
      CHECK(output.level == 0);
      std::set<std::string> layers;
      for (const Layer& layer : graph.layers) CHECK(layers.insert(layer.name).second);
      CHECK_THROWS_AS(network.build(0), Error);
    }
}

TEST_CASE("training knows what each row asks for") {
  const Stack stack{1, 2, 2, {1, 2, 3, 4}};
  for (const Network& network : networks()) {
    CAPTURE(std::string(network.name));
    NormalisationOptions options;
    options.kind = network.normalisation;
    const Normalisation fitted = fit_normalisation({&stack}, options);
    CHECK(fitted.kind == network.normalisation);
    // The background of an image, near its smallest value, is what a shift leaves behind.
    std::vector<float> background{0};
    apply_normalisation(fitted, background);
    // (mean-std maps the mean to 0, and the background to wherever it is.)
    if (fitted.kind != "mean-std") CHECK(std::abs(background[0] - network.fill) < 0.5F);
    CHECK(network.max_shift >= 0);
    CHECK(network.paper_planes >= 1);
    if (const std::string noise = network.paper_noise; !noise.empty()) CHECK_NOTHROW(parse_noise(noise));
  }
}

}  // namespace n2s
