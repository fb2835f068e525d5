// Layers follow each other in one array, weight before bias.
#include "engine/graph/parameters.h"

#include <cmath>

#include "kernels/base/philox.h"

namespace n2s {

ParameterLayout parameter_layout(const std::vector<Layer>& layers) {
  ParameterLayout layout;
  const auto take = [&](std::size_t count) {
    const ParameterRange range{layout.total, count};
    layout.total += count;
    return range;
  };
  for (const Layer& layer : layers) {
    const auto out = static_cast<std::size_t>(layer.out_channels);
    LayerParameters parameters;
    parameters.weight = take(out * static_cast<std::size_t>(layer.in_channels) * 9);
    parameters.bias = take(out);
    layout.layers.push_back(parameters);
  }
  return layout;
}

std::vector<float> initial_parameters(const std::vector<Layer>& layers, std::uint64_t seed) {
  const ParameterLayout layout = parameter_layout(layers);
  std::vector<float> values(layout.total);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double slope = layers[l].slope;
    const double gain = slope == 1 ? 1 : std::sqrt(2 / (1 + slope * slope));
    const double deviation = gain / std::sqrt(9.0 * layers[l].in_channels);
    const RandomKey key{seed, Purpose::initial_weights, 0, static_cast<std::uint32_t>(l), 0};
    const ParameterRange& weight = layout.layers[l].weight;
    for (std::size_t i = 0; i < weight.count; ++i)
      values[weight.offset + i] = static_cast<float>(deviation * random_normal(key, static_cast<std::uint32_t>(i)));
  }
  return values;
}

}  // namespace n2s
