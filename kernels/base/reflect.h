// Continuation of an image beyond its edge by reflection, as for padding to a size that a network can halve.
#pragma once

#include "kernels/base/host_device.h"

namespace n2s {

/// Index into [0, length) that stands for `index`; the edge itself is not repeated: -1 is 1.
N2S_HOST_DEVICE inline int reflect(int index, int length) {
  if (index >= 0 && index < length) return index;
  if (length == 1) return 0;
  const int period = 2 * (length - 1);
  const int folded = ((index % period) + period) % period;
  return folded < length ? folded : period - folded;
}

}  // namespace n2s
