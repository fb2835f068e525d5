// The U-Net for microscopy (Papkov et al. 2020, Table S1, after CSBDeep), and the same without its residual, for
// methods that hide pixels of the target plane (Noise2Void), which a residual plane would show.
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// `planes` input planes -> 1 plane. Sides divisible by 4. The parameters of both have the same names and shapes.
Graph microscopy_unet(int planes);
Graph blind_spot_unet(int planes);

/// That of N2V2 (Hoeck et al. 2022): the latter with blurred pooling and without the skip at full resolution.
Graph n2v2_unet(int planes);

}  // namespace n2s
