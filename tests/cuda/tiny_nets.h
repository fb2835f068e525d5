// Both networks with few channels and levels: small enough to train in emulation, with every kind of layer.
#pragma once

#include "engine/graph/graph.h"

namespace n2s::test {

/// The U-Net for MRI: skips from pooled values and from the input, LeakyReLU. Sides divisible by 4.
inline Graph tiny_mri_net(int planes) {
  constexpr float kSlope = 0.1F;
  GraphBuilder g;
  const auto conv = [&](const char* name, ValueId in, int out_channels) {
    return g.activation(g.conv3x3(name, in, out_channels, kSlope), kSlope);
  };
  const ValueId input = g.input(planes);
  const ValueId p1 = g.maxpool2(conv("down1.conv2", conv("down1.conv1", input, 12), 12));
  const ValueId p2 = g.maxpool2(conv("down2", p1, 12));
  const ValueId middle = conv("middle", p2, 12);
  const ValueId u2 = conv("up2", g.concat(g.upsample2(middle), p1), 20);
  const ValueId u1 = conv("up1.conv2", conv("up1.conv1", g.concat(g.upsample2(u2), input), 16), 8);
  return g.finish(g.conv3x3("output", u1, 1));
}

/// The U-Net for microscopy: skips from values that are pooled as well, ReLU, a plane added at the end. Sides divisible
/// by 2.
inline Graph tiny_microscopy_net(int planes) {
  constexpr float kSlope = 0.0F;
  GraphBuilder g;
  const auto conv = [&](const char* name, ValueId in, int out_channels) {
    return g.activation(g.conv3x3(name, in, out_channels, kSlope), kSlope);
  };
  const ValueId input = g.input(planes);
  const ValueId d1 = conv("down1.conv2", conv("down1.conv1", input, 8), 8);
  const ValueId middle = conv("middle", g.maxpool2(d1), 16);
  const ValueId u1 = conv("up1", g.concat(g.upsample2(middle), d1), 8);
  return g.finish(g.add_plane(g.conv3x3("output", u1, 1), input, planes / 2));
}

}  // namespace n2s::test
