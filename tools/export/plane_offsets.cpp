// See plane_offsets.h.
#include "tools/export/plane_offsets.h"

#include "data/plane_selection.h"

namespace n2s {

std::vector<int> plane_offsets(const LoadedModel& model) {
  constexpr int kFarFromEnds = 100'000;
  std::vector<int> offsets = neighbour_planes(2 * kFarFromEnds, kFarFromEnds, model.planes, model.gap);
  for (int& offset : offsets) offset -= kFarFromEnds;
  return offsets;
}

}  // namespace n2s
