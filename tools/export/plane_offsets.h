// Which planes of a stack a network sees.
#pragma once

#include <vector>

#include "tools/model_use.h"

namespace n2s {

/// Of each input channel, relative to the plane that is restored; ascending, 0 for that plane itself. At the ends of a
/// stack, where there is no such plane, another one takes its place: data/plane_selection.h.
std::vector<int> plane_offsets(const LoadedModel& model);

}  // namespace n2s
