// The graph of the U-Net for microscopy, block by block as in the paper's Table S1.
#include "nets/microscopy_unet.h"

#include <string>

namespace n2s {
namespace {

/// Everything up to the last convolution.
ValueId blocks(GraphBuilder& g, ValueId input) {
  constexpr float kSlope = 0.0F;  // ReLU after every convolution but the last
  const auto conv = [&](const std::string& name, ValueId in, int out_channels) {
    return g.activation(g.conv3x3(name, in, out_channels, kSlope), kSlope);
  };
  const auto block = [&](const std::string& name, ValueId in, int first, int second) {
    return conv(name + ".conv2", conv(name + ".conv1", in, first), second);
  };
  const ValueId d1 = block("down1", input, 32, 32);
  const ValueId d2 = block("down2", g.maxpool2(d1), 64, 64);
  const ValueId middle = block("middle", g.maxpool2(d2), 128, 64);
  const ValueId u2 = block("up2", g.concat(g.upsample2(middle), d2), 64, 32);
  const ValueId u1 = block("up1", g.concat(g.upsample2(u2), d1), 32, 32);
  return g.conv3x3("output", u1, 1);
}

}  // namespace

Graph microscopy_unet(int planes) {
  // The network learns what to add to one plane: the middle one, or, where the target itself is held out, the plane
  // just before it (our choice: the paper leaves it open).
  const int residual_plane = planes % 2 == 1 ? planes / 2 : planes / 2 - 1;
  GraphBuilder g;
  const ValueId input = g.input(planes);
  return g.finish(g.add_plane(blocks(g, input), input, residual_plane));
}

Graph blind_spot_unet(int planes) {
  GraphBuilder g;
  const ValueId input = g.input(planes);
  return g.finish(blocks(g, input));
}

}  // namespace n2s
