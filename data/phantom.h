// A head-like volume made of ellipsoids with smooth texture, in the spirit of Shepp and Logan's: what the demo works on
// where no real volume is at hand, and what simulated scans show.
#pragma once

#include <cstdint>

#include "data/stack.h"

namespace n2s {

/// Values in [0, 1], 0 outside the head. The same for the same size and subject, to the last digits of the machine's
/// sine. `subject` other than 0 varies shape, contrast and folds. Throws Error for a size below 1.
Stack head_phantom(int planes, int height, int width, std::uint32_t subject = 0);

}  // namespace n2s
