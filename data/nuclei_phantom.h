// Cell nuclei in depth as a wide-field microscope shows them: each plane holds the nuclei in focus there, the blurred
// light of those above and below, and a background; blur and background grow with depth. For simulated data.
#pragma once

#include <cstdint>

#include "data/stack.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

struct NucleiField {
  int planes = 10, height = 512, width = 512;
  std::uint64_t seed = 0;
  std::uint32_t field = 0;  // fields of one seed show other cells
};

struct NucleiPlanes {
  Stack fluorescence;  // expected light; a bright nucleus in focus is about 1, the background of the first plane 0.03
  Stack brightfield;   // around 0.6: nuclei refract light, and have a bright and a dark side
};

/// The same for the same field, to the last digits of the machine's sine. Throws Error for a size below 1.
NucleiPlanes nuclei_phantom(const NucleiField& field, ThreadPool& pool);

}  // namespace n2s
