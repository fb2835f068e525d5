// Selects the input planes: neighbours of the target, mirrored at the edges of the stack.
#include "data/plane_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "kernels/base/error.h"

namespace n2s {
namespace {

/// What stands for the plane at `offset`, which may not exist. The target itself never does.
int existing_plane(int depth, int plane, int offset, int gap) {
  const int side = offset < 0 ? -1 : 1;
  const auto at = [&](int distance) -> std::optional<int> {  // own side first
    for (const int candidate : {plane + side * distance, plane - side * distance})
      if (candidate >= 0 && candidate < depth) return candidate;
    return std::nullopt;
  };
  if (const auto wanted = at(std::abs(offset))) return *wanted;
  for (int distance = gap + 1; distance < depth; ++distance)
    if (const auto nearest = at(distance)) return *nearest;
  for (int distance = std::min(gap, depth - 1); distance > 0; --distance)  // shorter than the gap: far is best
    if (const auto farthest = at(distance)) return *farthest;
  throw Error(
      "a stack of 1 plane has no neighbours to learn from: use a longer stack, or a method that sees "
      "the target alone, with a second noisy copy");
}

}  // namespace

std::vector<int> neighbour_planes(int depth, int plane, int count, int gap) {
  constexpr int kMost = 1'000'000;  // keeps count / 2 + gap far from overflow
  if (count < 1 || count > kMost || gap < 0 || gap > kMost || plane < 0 || plane >= depth)
    throw Error(
        fmt::format("{} input planes with a gap of {} for plane {} of {}: out of range", count, gap, plane, depth));
  std::vector<int> planes;
  const int half = count / 2;
  for (int i = half; i >= 1; --i) planes.push_back(existing_plane(depth, plane, -(i + gap), gap));
  if (count % 2 == 1) planes.push_back(plane);
  for (int i = 1; i <= half; ++i) planes.push_back(existing_plane(depth, plane, i + gap, gap));
  return planes;
}

}  // namespace n2s
