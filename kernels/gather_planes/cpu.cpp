#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/base/error.h"
#include "kernels/base/reflect.h"
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {
namespace {

RandomKey with(RandomKey key, Purpose purpose) {
  key.purpose = purpose;
  return key;
}

int wrap(int index, int length) {
  return ((index % length) + length) % length;
}

constexpr int kFill = -1;

/// For `count` pixels from `first` on along one axis of the shifted plane: where they come from, or kFill.
std::vector<int> sources(int first, int count, int length, int shift, bool circular) {
  std::vector<int> result;
  for (int i = 0; i < count; ++i) {
    const int shifted = reflect(first + i, length) - shift;
    const bool inside = shifted >= 0 && shifted < length;
    result.push_back(circular ? wrap(shifted, length) : inside ? shifted : kFill);
  }
  return result;
}

}  // namespace

SampleDraw draw_sample(const Augmentation& a, int plane_height, int plane_width, const RandomKey& key) {
  SampleDraw draw;
  const auto below = [](const RandomKey& k, std::uint32_t index, int count) {
    return count > 1 ? static_cast<int>(random_below(k, index, static_cast<std::uint32_t>(count))) : 0;
  };
  const RandomKey crop = with(key, Purpose::crop);
  draw.top = below(crop, 0, plane_height - a.crop_height + 1);
  draw.left = below(crop, 1, plane_width - a.crop_width + 1);
  const RandomKey shift = with(key, Purpose::shift);
  const int choices = a.circular_shift ? 2 * a.max_shift + 1 : a.max_shift + 1;
  const int first = a.circular_shift ? -a.max_shift : 0;
  draw.shift_y = first + below(shift, 0, choices);
  draw.shift_x = first + below(shift, 1, choices);
  if (a.orientations) {
    const bool square = a.crop_height == a.crop_width;
    draw.orientation = below(with(key, Purpose::orientation), 0, square ? 8 : 4) * (square ? 1 : 2);
  }
  return draw;
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
  const auto at = [&](int row, int column) {
    if (row == kFill || column == kFill) return a.fill;
    return g.plane[static_cast<std::ptrdiff_t>(row) * g.plane_width + column];
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
