// Where each layer's weight and bias lie in one flat array, and the values they start from. One flat array makes the
// optimiser one pass and a checkpoint one read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph/graph.h"

namespace n2s {

struct ParameterRange {
  std::size_t offset = 0;  // floats
  std::size_t count = 0;
};

struct LayerParameters {
  ParameterRange weight;  // OIHW: [out][in][3][3]
  ParameterRange bias;    // [out]
};

struct ParameterLayout {
  std::vector<LayerParameters> layers;  // one for each layer of the graph
  std::size_t total = 0;                // floats
};

ParameterLayout parameter_layout(const std::vector<Layer>& layers);

/// He-normal weights for the gain of each layer's activation (He et al. 2015; LeakyReLU: sqrt(2 / (1 + slope^2)),
/// linear: 1), biases 0. The same seed gives the same values on every machine.
std::vector<float> initial_parameters(const std::vector<Layer>& layers, std::uint64_t seed);

}  // namespace n2s
