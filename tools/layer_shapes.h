// The shapes of convolution that both networks have: what kernels are measured on.
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

/// Every layer shape of both networks (MRI with 5 input planes, microscopy with 2), each network's once, for these
/// images.
std::vector<LayerShape> layer_shapes(const Extents& extents);

}  // namespace n2s
