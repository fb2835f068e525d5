// The convolution shapes of all networks: what the kernel benchmarks measure.
#pragma once

#include <string>
#include <vector>

#include "engine/runtime/backend.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

struct LayerShape {
  std::string name;  // network and the first layer of this shape: "mri up5.conv1"
  Conv3x3Layer layer;
};

/// Every layer shape of every network with the paper's number of input planes, once per network, for images of this
/// size.
std::vector<LayerShape> layer_shapes(const Extents& extents);

}  // namespace n2s
