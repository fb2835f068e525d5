#include "data/plane_selection.h"

#include <fmt/format.h>

#include <cstdlib>

#include "kernels/base/error.h"

namespace n2s {
namespace {

int existing_plane(int depth, int plane, int offset) {
  const auto exists = [&](int candidate) { return candidate >= 0 && candidate < depth; };
  if (exists(plane + offset)) return plane + offset;
  if (exists(plane - offset)) return plane - offset;
  const int side = offset < 0 ? -1 : 1;
  for (int distance = std::abs(offset); distance > 0; --distance) {
    if (exists(plane + side * distance)) return plane + side * distance;
    if (exists(plane - side * distance)) return plane - side * distance;
  }
  throw Error(fmt::format("a stack of {} plane{} has no neighbours to learn from: use a longer stack, or an odd number "
                          "of planes with a second noisy copy",
                          depth, depth == 1 ? "" : "s"));
}

}  // namespace

std::vector<int> neighbour_planes(int depth, int plane, int count, int gap) {
  if (count < 1 || gap < 0 || plane < 0 || plane >= depth)
    throw Error(fmt::format("{} input planes with a gap of {} for plane {} of {}: out of range", count, gap, plane, depth));
  std::vector<int> planes;
  const int half = count / 2;
  for (int i = half; i >= 1; --i) planes.push_back(existing_plane(depth, plane, -(i + gap)));
  if (count % 2 == 1) planes.push_back(plane);
  for (int i = 1; i <= half; ++i) planes.push_back(existing_plane(depth, plane, i + gap));
  return planes;
}

}  // namespace n2s
