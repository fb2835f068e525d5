// The U-Net for microscopy (Papkov et al. 2020, Table S1, after CSBDeep).
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// `planes` input planes -> 1 plane. Sides divisible by 4.
Graph microscopy_unet(int planes);

}  // namespace n2s
