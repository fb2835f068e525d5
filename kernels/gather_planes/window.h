// Crop position, shift, flip and rotation of a training image: drawn and applied by the same code on CPU and GPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/philox.h"
#include "kernels/base/reflect.h"

namespace n2s {

/// Augmentation of training images. All planes and copies of a sample share one window.
struct Augmentation {
  int crop_height = 0, crop_width = 0;  // pixels of the training image; the plane's own size: no crop
  int max_shift = 0;                    // pixels; 0: none
  bool circular_shift = false;          // true: in [-max_shift, max_shift], around the edge; false: in [0, max_shift]
  float fill = 0;                       // value of the pixels that a shift vacates, if not circular
  bool orientations = false;            // rotations by 0, 90, 180, 270 degrees and flips; without the rotations by 90
                                        // and 270 degrees where the crop is not square
};

/// The window of one sample.
struct SampleDraw {
  int top = 0, left = 0;         // of the crop in the plane, pixels
  int shift_y = 0, shift_x = 0;  // pixels by which the plane is moved down and right before it is cropped
  int orientation = 0;           // 0..7: bit 0 transposes, bit 1 flips rows, bit 2 flips columns, in this order
};

namespace detail {

/// [0, count), and 0 where there is no choice.
N2S_HOST_DEVICE inline int draw_below(RandomKey key, Purpose purpose, std::uint32_t index, int count) {
  key.purpose = purpose;
  return count > 1 ? static_cast<int>(random_below(key, index, static_cast<std::uint32_t>(count))) : 0;
}

}  // namespace detail

/// The draw for one sample of one step. `item` of the key counts steps within the epoch, `minor` samples in the batch.
N2S_HOST_DEVICE inline SampleDraw draw_sample(const Augmentation& a, int plane_height, int plane_width,
                                              const RandomKey& key) {
  SampleDraw draw;
  draw.top = detail::draw_below(key, Purpose::crop, 0, plane_height - a.crop_height + 1);
  draw.left = detail::draw_below(key, Purpose::crop, 1, plane_width - a.crop_width + 1);
  const int choices = a.circular_shift ? 2 * a.max_shift + 1 : a.max_shift + 1;
  const int first = a.circular_shift ? -a.max_shift : 0;
  draw.shift_y = first + detail::draw_below(key, Purpose::shift, 0, choices);
  draw.shift_x = first + detail::draw_below(key, Purpose::shift, 1, choices);
  if (a.orientations) {
    const bool square = a.crop_height == a.crop_width;
    draw.orientation = detail::draw_below(key, Purpose::orientation, 0, square ? 8 : 4) * (square ? 1 : 2);
  }
  return draw;
}

/// Stands for a pixel that a shift has vacated: it takes the fill.
inline constexpr int kOutside = -1;

/// Where pixel `index` of the shifted plane comes from along one axis, or kOutside. Beyond its edges the shifted plane
/// is continued by reflection.
N2S_HOST_DEVICE inline int source_along(int index, int length, int shift, bool circular) {
  const int shifted = reflect(index, length) - shift;
  if (shifted >= 0 && shifted < length) return shifted;
  return circular ? ((shifted % length) + length) % length : kOutside;
}

/// Index of the plane's pixel that pixel (y, x) of the image shows, or kOutside.
N2S_HOST_DEVICE inline std::ptrdiff_t source_pixel(const Augmentation& a, int plane_height, int plane_width,
                                                   const SampleDraw& draw, int y, int x) {
  const int flipped_y = (draw.orientation & 2) != 0 ? a.crop_height - 1 - y : y;
  const int flipped_x = (draw.orientation & 4) != 0 ? a.crop_width - 1 - x : x;
  const bool transposes = (draw.orientation & 1) != 0;  // undone last: it was done first
  const int row =
      source_along(draw.top + (transposes ? flipped_x : flipped_y), plane_height, draw.shift_y, a.circular_shift);
  const int column =
      source_along(draw.left + (transposes ? flipped_y : flipped_x), plane_width, draw.shift_x, a.circular_shift);
  if (row == kOutside || column == kOutside) return kOutside;
  return static_cast<std::ptrdiff_t>(row) * plane_width + column;
}

}  // namespace n2s
