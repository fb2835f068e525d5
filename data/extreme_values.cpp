// Each function looks at a stack once; only candidates far from the bulk are compared with their neighbours.
#include "data/extreme_values.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr double kFarSpreads = 6;    // 15 standard deviations of Gaussian noise
constexpr double kNearShare = 0.25;  // of the voxel's own deviation: a neighbour that deviates more belongs to it
constexpr int kMostNear = 1;         // hot pixels come alone or in pairs

/// The eight neighbours in the plane; beyond the edge the plane is mirrored.
std::array<float, 8> neighbours(const Stack& stack, std::size_t index) {
  const auto width = static_cast<std::size_t>(stack.width);
  const auto height = static_cast<std::size_t>(stack.height);
  const auto mirrored = [](std::size_t at, int step, std::size_t size) {
    if (size == 1) return at;
    if (step < 0) return at == 0 ? at + 1 : at - 1;
    return step > 0 ? (at + 1 == size ? at - 1 : at + 1) : at;
  };
  const std::size_t column = index % width;
  const std::size_t row = index / width % height;
  const std::size_t first = index - row * width - column;
  std::array<float, 8> found{};
  std::size_t count = 0;
  for (int down = -1; down <= 1; ++down)
    for (int right = -1; right <= 1; ++right)
      if (down != 0 || right != 0)
        found.at(count++) = stack.voxels[first + mirrored(row, down, height) * width + mirrored(column, right, width)];
  return found;
}

float median_of(std::array<float, 8> values) {
  std::sort(values.begin(), values.end());
  return (values[3] + values[4]) / 2;
}

}  // namespace

void replace_non_finite(Stack& stack, ExtremeValues& replaced) {
  std::vector<float> finite;
  for (std::size_t i = 0; i < stack.voxels.size(); ++i)
    if (!std::isfinite(stack.voxels[i])) replaced.kept.push_back({i, stack.voxels[i]});
  if (replaced.kept.empty()) return;
  replaced.not_finite = replaced.kept.size();
  std::copy_if(stack.voxels.begin(), stack.voxels.end(), std::back_inserter(finite),
               [](float value) { return std::isfinite(value); });
  if (finite.empty()) throw Error("every voxel is NaN or infinite: there is nothing to restore");
  const auto middle = finite.begin() + static_cast<std::ptrdiff_t>(finite.size() / 2);
  std::nth_element(finite.begin(), middle, finite.end());
  for (const VoxelValue& voxel : replaced.kept) stack.voxels[voxel.index] = *middle;
}

void replace_isolated(Stack& stack, const BulkLevels& bulk, ExtremeValues& replaced) {
  const double far = kFarSpreads * bulk.spread;
  std::vector<VoxelValue> medians;  // set at the end: neighbours are compared as they are in the file
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) {
    const double deviation = std::abs(stack.voxels[i] - bulk.centre);
    if (deviation <= far) continue;
    const std::array<float, 8> around = neighbours(stack, i);
    const auto near = std::count_if(around.begin(), around.end(), [&](float value) {
      return std::abs(value - bulk.centre) > kNearShare * deviation;
    });
    const float median = median_of(around);
    if (near <= kMostNear && std::abs(stack.voxels[i] - median) > far) medians.push_back({i, median});
  }
  for (const VoxelValue& voxel : medians) stack.voxels[voxel.index] = voxel.value;
  replaced.isolated += medians.size();
  replaced.medians.insert(replaced.medians.end(), medians.begin(), medians.end());
}

void limit_values(Stack& stack, double low, double high, ExtremeValues& replaced) {
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) {
    float& value = stack.voxels[i];
    if (value >= low && value <= high) continue;
    replaced.kept.push_back({i, value});
    ++replaced.limited;
    value = static_cast<float>(std::clamp<double>(value, low, high));
  }
}

void put_back(const ExtremeValues& replaced, Stack& restored) {
  for (const VoxelValue& voxel : replaced.kept) restored.voxels.at(voxel.index) = voxel.value;
}

}  // namespace n2s
