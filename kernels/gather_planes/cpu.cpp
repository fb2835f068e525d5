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

int wrap(int index, int length) { return ((index % length) + length) % length; }

/// Where pixel (y, x) of the augmented crop comes from within the crop.
std::pair<int, int> unorient(const GatherPlane& g, int y, int x) {
  if ((g.draw.orientation & 4) != 0) x = g.augmentation.crop_width - 1 - x;
  if ((g.draw.orientation & 2) != 0) y = g.augmentation.crop_height - 1 - y;
  if ((g.draw.orientation & 1) != 0) std::swap(y, x);
  return {y, x};
}

float pixel(const GatherPlane& g, int y, int x) {
  y = reflect(y, g.plane_height) - g.draw.shift_y;
  x = reflect(x, g.plane_width) - g.draw.shift_x;
  if (g.augmentation.circular_shift) {
    y = wrap(y, g.plane_height);
    x = wrap(x, g.plane_width);
  }
  if (y < 0 || x < 0 || y >= g.plane_height || x >= g.plane_width) return g.augmentation.fill;
  return g.plane[static_cast<std::ptrdiff_t>(y) * g.plane_width + x];
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
  const bool transposes = (g.draw.orientation & 1) != 0;
  if (g.plane_height < 1 || g.plane_width < 1 || g.augmentation.crop_height != image.shape.height ||
      g.augmentation.crop_width != image.shape.width || (transposes && image.shape.height != image.shape.width))
    throw Error("batch assembly: the sizes do not fit together");
  for (int y = 0; y < image.shape.height; ++y)
    for (int x = 0; x < image.shape.width; ++x) {
      const auto [row, column] = unorient(g, y, x);
      image.pixel(n, y, x)[channel] = pixel(g, g.draw.top + row, g.draw.left + column);
    }
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, const RandomKey& key) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::uint32_t i = count; i-- > 1;) std::swap(order[i], order[random_below(key, i, i + 1)]);
  return order;
}

}  // namespace n2s
