// A head-like volume made of ellipsoids with smooth texture, in the spirit of Shepp and Logan's: what the demo works on
// where no real volume is at hand.
#pragma once

#include "data/stack.h"

namespace n2s {

/// Values in [0, 1], 0 outside the head. The same for the same size, to the last digits of the machine's sine. Throws
/// Error for a size below 1.
Stack head_phantom(int planes, int height, int width);

}  // namespace n2s
