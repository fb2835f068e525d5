// Which planes of a stack the network sees to restore one of them (Papkov et al. 2020, section 2.1; edges as described
// there, and by mirroring where the paper is silent).
#pragma once

#include <vector>

namespace n2s {

/// Indices of the `count` input planes for plane `plane` of a stack of `depth`, ascending by their offset. An odd count
/// includes the plane itself, an even one (self-supervised) never does, at the edges neither. `gap` planes next to it
/// are left out on each side. A missing neighbour is replaced by the one at the mirrored offset; where that is missing
/// too, by the nearest plane that exists and is not the target. Throws Error when the stack is too short for that.
std::vector<int> neighbour_planes(int depth, int plane, int count, int gap = 0);

}  // namespace n2s
