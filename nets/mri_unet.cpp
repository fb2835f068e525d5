// The graph of the U-Net for MRI, block by block as in the paper's Table S2.
#include "nets/mri_unet.h"

#include <string>

namespace n2s {

Graph mri_unet(int planes) {
  constexpr float kSlope = 0.1F;  // LeakyReLU after every convolution but the last
  GraphBuilder g;
  const auto conv = [&](const std::string& name, ValueId in, int out_channels) {
    return g.activation(g.conv3x3(name, in, out_channels, kSlope), kSlope);
  };
  const auto up = [&](const std::string& name, ValueId in, ValueId skip, int first, int second) {
    return conv(name + ".conv2", conv(name + ".conv1", g.concat(g.upsample2(in), skip), first), second);
  };

  const ValueId input = g.input(planes);
  const ValueId p1 = g.maxpool2(conv("down1.conv2", conv("down1.conv1", input, 48), 48));
  const ValueId p2 = g.maxpool2(conv("down2.conv1", p1, 48));
  const ValueId p3 = g.maxpool2(conv("down3.conv1", p2, 48));
  const ValueId p4 = g.maxpool2(conv("down4.conv1", p3, 48));
  const ValueId p5 = g.maxpool2(conv("down5.conv1", p4, 48));
  const ValueId middle = conv("middle.conv1", p5, 48);
  const ValueId u5 = up("up5", middle, p4, 96, 96);
  const ValueId u4 = up("up4", u5, p3, 96, 96);
  const ValueId u3 = up("up3", u4, p2, 96, 96);
  const ValueId u2 = up("up2", u3, p1, 96, 96);
  const ValueId u1 = up("up1", u2, input, 64, 32);
  return g.finish(g.conv3x3("output", u1, 1));
}

}  // namespace n2s
