// Which instruction sets vector code is compiled for; included before hwy/foreach_target.h. Left out are sets that add
// nothing to fp32 arithmetic over the next older one (each costs a whole compilation) and scalable vectors, since the
// register blocking of the convolution is chosen at compile time.
#pragma once

#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
