// Checks that the data give the chosen method what it needs, and lists the planes to predict.
#include "engine/training/training_stack.h"

#include <fmt/format.h>

#include "data/plane_selection.h"
#include "kernels/base/error.h"

namespace n2s {

void check_method(const BatchSettings& settings, const std::vector<TrainingStack>& stacks) {
  const TrainingMethod& method = method_of(settings);
  if (method.blind_spots.has_value() != settings.blind_spots.has_value())
    throw Error(fmt::format("{}: which pixels are hidden {}", settings.method,
                            method.blind_spots ? "is not set" : "is set, but the method hides none"));
  for (const TrainingStack& stack : stacks) {
    if (method.needs_target && !stack.target && !settings.noise)
      throw Error(fmt::format("{} with {} plane{} needs a target: give --target, or clean data and --noise",
                              settings.method, settings.planes, settings.planes == 1 ? "" : "s"));
    if (stack.target && (stack.target->planes != stack.source.planes || stack.target->height != stack.source.height ||
                         stack.target->width != stack.source.width))
      throw Error(
          fmt::format("{}: source and target differ in size: {}x{}x{} and {}x{}x{} voxels; give the target of "
                      "this stack, in the same order",
                      stack.name, stack.source.planes, stack.source.height, stack.source.width, stack.target->planes,
                      stack.target->height, stack.target->width));
    if (method.target == TargetOf::partner_copy && !stack.target && stack.source.planes < 2)
      throw Error(
          fmt::format("{} needs stacks of two planes or more, or a second noisy copy of each", settings.method));
    if (settings.planes > 1) neighbour_planes(stack.source.planes, 0, settings.planes, settings.gap);
  }
}

int target_plane(const TrainingMethod& method, const TrainingStack& stack, int plane) {
  if (stack.target || method.target != TargetOf::partner_copy) return plane;
  const int partner = plane ^ 1;
  return partner < stack.source.planes ? partner : plane - 1;
}

std::vector<PlaneOfStack> training_targets(const std::vector<TrainingStack>& stacks, const BatchSettings& settings) {
  check_method(settings, stacks);
  std::vector<PlaneOfStack> targets;
  for (std::size_t s = 0; s < stacks.size(); ++s)
    for (int plane = 0; plane < stacks[s].source.planes; ++plane)
      if (!stacks[s].held_out.contains(plane)) targets.push_back({static_cast<int>(s), plane});
  if (targets.empty()) throw Error("no plane is left to train on: hold out fewer for validation");
  return targets;
}

}  // namespace n2s
