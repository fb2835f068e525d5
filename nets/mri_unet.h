// The U-Net for MRI (Papkov et al. 2020, Table S2, after Noise2Noise).
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// `planes` input planes -> 1 plane. Sides divisible by 32.
Graph mri_unet(int planes);

}  // namespace n2s
