// Gathers one plane into an image of a batch on the CPU, and shuffles the order of an epoch.
#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/base/error.h"
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {
namespace {

/// Source positions of the window's pixels along one axis.
std::vector<int> sources(int first, int count, int length, int shift, bool circular) {
  std::vector<int> result;
  result.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) result.push_back(source_along(first + i, length, shift, circular));
  return result;
}

/// The smallest and the largest source position.
std::pair<int, int> range_of(const std::vector<int>& positions) {
  int low = kOutside;
  int high = kOutside;
  for (const int position : positions) {
    if (position == kOutside) continue;
    low = low == kOutside ? position : std::min(low, position);
    high = std::max(high, position);
  }
  return {low, high};
}

}  // namespace

PlaneWindow shown_part(const GatherPlane& g) {
  const Augmentation& a = g.augmentation;
  const auto [top, bottom] =
      range_of(sources(g.draw.top, a.crop_height, g.plane_height, g.draw.shift_y, a.circular_shift));
  const auto [left, right] =
      range_of(sources(g.draw.left, a.crop_width, g.plane_width, g.draw.shift_x, a.circular_shift));
  if (top == kOutside || left == kOutside) return {};
  return {top, left, bottom - top + 1, right - left + 1};
}

void gather_plane(const GatherPlane& g, FloatTensor image, int n, int channel) {
  const Augmentation& a = g.augmentation;
  const bool transposes = (g.draw.orientation & 1) != 0;
  if (g.plane_height < 1 || g.plane_width < 1 || a.crop_height != image.shape.height ||
      a.crop_width != image.shape.width || (transposes && image.shape.height != image.shape.width))
    throw Error("batch assembly: the sizes do not fit together");
  auto rows = sources(g.draw.top, a.crop_height, g.plane_height, g.draw.shift_y, a.circular_shift);
  auto columns = sources(g.draw.left, a.crop_width, g.plane_width, g.draw.shift_x, a.circular_shift);
  // A flip after the transposition flips the other axis of the plane.
  auto& vertical = transposes ? columns : rows;
  auto& horizontal = transposes ? rows : columns;
  if ((g.draw.orientation & 2) != 0) std::reverse(vertical.begin(), vertical.end());
  if ((g.draw.orientation & 4) != 0) std::reverse(horizontal.begin(), horizontal.end());
  const PlaneWindow part = g.part.value_or(PlaneWindow{0, 0, g.plane_height, g.plane_width});
  const auto at = [&](int row, int column) {
    if (row == kOutside || column == kOutside) return a.fill;
    return g.plane[static_cast<std::ptrdiff_t>(row - part.top) * part.width + column - part.left];
  };
  for (int y = 0; y < image.shape.height; ++y) {
    float* out = image.pixel(n, y, 0) + channel;
    for (int x = 0; x < image.shape.width; ++x) {
      const auto i = static_cast<std::size_t>(transposes ? x : y);
      const auto j = static_cast<std::size_t>(transposes ? y : x);
      out[static_cast<std::ptrdiff_t>(x) * image.shape.channels] = at(rows[i], columns[j]);
    }
  }
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, const RandomKey& key) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = count; i-- > 1;) std::swap(order[i], order[random_below(key, i, i + 1)]);
  return order;
}

}  // namespace n2s
