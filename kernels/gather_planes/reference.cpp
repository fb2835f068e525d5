// Batch assembly step by step, each on a whole image (shift, crop, transpose, flip): what the tests compare with.
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {
namespace {

struct Image {
  int height, width;
  std::vector<float> pixels;
  float& at(int y, int x) {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};

Image blank(int height, int width, float value) {
  return {height, width, std::vector<float>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width), value)};
}

Image shifted(Image plane, const Augmentation& augmentation, const SampleDraw& draw) {
  Image result = blank(plane.height, plane.width, augmentation.fill);
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x) {
      int to_y = y + draw.shift_y;
      int to_x = x + draw.shift_x;
      if (augmentation.circular_shift) {
        while (to_y < 0) to_y += plane.height;
        while (to_x < 0) to_x += plane.width;
        to_y %= plane.height;
        to_x %= plane.width;
      }
      if (to_y >= 0 && to_y < plane.height && to_x >= 0 && to_x < plane.width) result.at(to_y, to_x) = plane.at(y, x);
    }
  return result;
}

/// Walks back and forth over [0, length).
int bounced(int index, int length) {
  while (length > 1 && (index < 0 || index >= length)) index = index < 0 ? -index : 2 * (length - 1) - index;
  return length > 1 ? index : 0;
}

Image cropped(Image plane, const Augmentation& augmentation, const SampleDraw& draw) {
  Image result = blank(augmentation.crop_height, augmentation.crop_width, 0);
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x)
      result.at(y, x) = plane.at(bounced(draw.top + y, plane.height), bounced(draw.left + x, plane.width));
  return result;
}

Image transposed(Image image) {
  Image result = blank(image.width, image.height, 0);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) result.at(x, y) = image.at(y, x);
  return result;
}

Image flipped(Image image, bool rows, bool columns) {
  Image result = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      result.at(y, x) = image.at(rows ? image.height - 1 - y : y, columns ? image.width - 1 - x : x);
  return result;
}

}  // namespace

std::vector<float> gather_plane_reference(const GatherPlane& g) {
  Image image{g.plane_height, g.plane_width, {g.plane, g.plane + std::ptrdiff_t{g.plane_height} * g.plane_width}};
  image = cropped(shifted(image, g.augmentation, g.draw), g.augmentation, g.draw);
  if ((g.draw.orientation & 1) != 0) image = transposed(image);
  return flipped(image, (g.draw.orientation & 2) != 0, (g.draw.orientation & 4) != 0).pixels;
}

}  // namespace n2s
