// Which planes of a stack the network sees to restore one of them (Papkov et al. 2020, section 2.1; edges as described
// there, and by mirroring where the paper is silent).
#pragma once

#include <vector>

namespace n2s {

/// Indices of the `count` input planes for plane `plane` of a stack of `depth`, ascending by their offset. An odd count
/// includes the plane itself, an even one (self-supervised) never does, at the edges neither. `gap` planes next to it
/// are left out on each side. A missing neighbour is replaced by the one at the mirrored offset; where that is missing
/// too (short stacks), by the existing plane nearest to the target but outside the gap, of two the one on the side of
/// the missing one; where the whole stack lies within the gap, by the plane farthest from the target. Throws Error for
/// a stack of one plane, unless count is 1.
std::vector<int> neighbour_planes(int depth, int plane, int count, int gap = 0);

}  // namespace n2s
