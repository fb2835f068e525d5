// The weights of blurred pooling: maxima of all 2x2 windows, blurred with (1, 2, 1) / 4 along both axes, every second
// one.
#pragma once

#include "kernels/base/host_device.h"

namespace n2s::unfused {

/// The weight of the maximum at `position` in output `output`, along one axis. Before the first maximum the first
/// stands.
N2S_HOST_DEVICE inline float blur_weight(int output, int position) {
  const int distance = position - 2 * output;
  if (distance == 0) return output == 0 ? 0.75F : 0.5F;
  return distance == 1 || distance == -1 ? 0.25F : 0.0F;
}

/// Outputs [first, last] that a maximum enters.
struct BlurOutputs {
  int first, last;
};
N2S_HOST_DEVICE inline BlurOutputs blur_outputs(int position, int outputs) {
  const int last = (position + 1) / 2;
  return {position / 2, last < outputs ? last : outputs - 1};
}

}  // namespace n2s::unfused
