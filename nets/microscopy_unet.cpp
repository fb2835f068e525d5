// The graph of the U-Net for microscopy, block by block as in the paper's Table S1.
#include "nets/microscopy_unet.h"

#include <string>

namespace n2s {
namespace {

/// Everything up to the last convolution. N2V2: pooling is blurred, and the skip at full resolution is left out, since
/// both carry the hidden pixels' replacements into the result, as a checkerboard.
ValueId blocks(GraphBuilder& g, ValueId input, bool is_n2v2 = false) {
  constexpr float kSlope = 0.0F;  // ReLU after every convolution but the last
  const auto conv = [&](const std::string& name, ValueId in, int out_channels) {
    return g.activation(g.conv3x3(name, in, out_channels, kSlope), kSlope);
  };
  const auto block = [&](const std::string& name, ValueId in, int first, int second) {
    return conv(name + ".conv2", conv(name + ".conv1", in, first), second);
  };
  const ValueId d1 = block("down1", input, 32, 32);
  const auto pool = [&](ValueId in) { return is_n2v2 ? g.blurpool2(in) : g.maxpool2(in); };
  const ValueId d2 = block("down2", pool(d1), 64, 64);
  const ValueId middle = block("middle", pool(d2), 128, 64);
  const ValueId u2 = block("up2", g.concat(g.upsample2(middle), d2), 64, 32);
  const ValueId top = g.upsample2(u2);
  const ValueId u1 = block("up1", is_n2v2 ? top : g.concat(top, d1), 32, 32);
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

Graph n2v2_unet(int planes) {
  GraphBuilder g;
  const ValueId input = g.input(planes);
  return g.finish(blocks(g, input, true));
}

}  // namespace n2s
