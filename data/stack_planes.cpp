// See stack_planes.h.
#include "data/stack_planes.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace n2s {

StackPlanes::StackPlanes(Stack stack)
    : planes(stack.planes),
      height(stack.height),
      width(stack.width),
      stack_(std::make_shared<Stack>(std::move(stack))) {}

StackPlanes::StackPlanes(std::shared_ptr<const StoredPlanes> stored)
    : planes(stored->shape().planes),
      height(stored->shape().height),
      width(stored->shape().width),
      stored_(std::move(stored)) {}

StackPlanes::StackPlanes(std::shared_ptr<const StoredPlanes> stored, PlaneLevels levels)
    : StackPlanes(std::move(stored)) {
  levels_ = std::make_shared<const PlaneLevels>(std::move(levels));
}

Stack StackPlanes::take() {
  const std::shared_ptr<Stack> stack = std::exchange(stack_, nullptr);
  return stack.use_count() == 1 ? std::move(*stack) : *stack;
}

void StackPlanes::read(int plane, const PlaneWindow& window, std::span<float> values) const {
  if (stored_) {
    stored_->read(plane, window, values);
    if (levels_) prepare(plane, window, values);
    return;
  }
  const std::span<const float> whole = plane_of(*stack_, plane);
  const auto columns = static_cast<std::size_t>(window.width);
  for (std::size_t row = 0; row < static_cast<std::size_t>(window.height); ++row) {
    const std::size_t from = (static_cast<std::size_t>(window.top) + row) * static_cast<std::size_t>(width) +
                             static_cast<std::size_t>(window.left);
    std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(from), columns,
                values.begin() + static_cast<std::ptrdiff_t>(row * columns));
  }
}

void StackPlanes::prepare(int plane, const PlaneWindow& window, std::span<float> values) const {
  for (float& value : values)
    if (!std::isfinite(value)) value = levels_->non_finite;
  const std::size_t first = static_cast<std::size_t>(plane) * plane_pixels();
  const auto columns = static_cast<std::size_t>(width);
  const auto of_window = [&](int row) {
    return first + static_cast<std::size_t>(window.top + row) * columns + static_cast<std::size_t>(window.left);
  };
  const std::vector<VoxelValue>& isolated = levels_->isolated;
  auto next = std::partition_point(isolated.begin(), isolated.end(),
                                   [&](const VoxelValue& voxel) { return voxel.index < of_window(0); });
  for (; next != isolated.end() && next->index < of_window(window.height); ++next) {
    const std::size_t offset = next->index - of_window(0);
    if (offset % columns >= static_cast<std::size_t>(window.width)) continue;
    values[offset / columns * static_cast<std::size_t>(window.width) + offset % columns] = next->value;
  }
  for (float& value : values) value = static_cast<float>(std::clamp<double>(value, levels_->low, levels_->high));
  apply_normalisation(levels_->normalisation, values);
}

void StackPlanes::expect(int plane, const PlaneWindow& window) const {
  if (stored_) stored_->expect(plane, window);
}

std::span<const float> StackPlanes::plane(int number, std::vector<float>& storage) const {
  if (stack_) return plane_of(*stack_, number);
  storage.resize(plane_pixels());
  read(number, {0, 0, height, width}, storage);
  return storage;
}

Stack take_planes(const StackPlanes& planes, std::span<const int> numbers) {
  Stack taken{static_cast<int>(numbers.size()), planes.height, planes.width, {}};
  taken.voxels.reserve(numbers.size() * planes.plane_pixels());
  std::vector<float> storage;
  for (const int number : numbers) {
    const std::span<const float> plane = planes.plane(number, storage);
    taken.voxels.insert(taken.voxels.end(), plane.begin(), plane.end());
  }
  return taken;
}

}  // namespace n2s
