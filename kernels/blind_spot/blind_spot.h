// Hides pixels of the target plane from a network that is to predict them, so that it can learn from single noisy
// planes: Noise2Void (Krull et al. 2019), N2V2 (Hoeck et al. 2022), structN2V (Broaddus et al. 2020), Noise2Self
// (Batson and Royer 2019). Which pixels are hidden, and what stands in their place, is a function of a random key and
// the pixel: the same on CPU and GPU.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/philox.h"
#include "kernels/base/tensor.h"

namespace n2s {

/// What the network sees of a hidden pixel.
enum class BlindReplacement : std::uint8_t {
  uniform,     // a random pixel of the window around it, which may be itself
  median,      // the median of the window without its centre
  interpolate  // the mean of its neighbours, those beside it with twice the weight of those across
};

struct BlindSpots {
  int box = 22;          // the plane is divided into boxes of box x box pixels ...
  bool is_grid = false;  // ... each with a random hidden pixel, or all with one at the same, random place
  BlindReplacement replacement = BlindReplacement::uniform;
  int window = 11;                      // side of the window, pixels; odd
  int line_width = 1, line_height = 1;  // pixels around each target that are hidden with it; odd

  bool operator==(const BlindSpots&) const = default;
};

/// One channel of an image, rows `row` apart and pixels `pixel` apart.
template <typename T>
struct ChannelView {
  T* data = nullptr;
  int height = 0, width = 0;
  std::ptrdiff_t row = 0, pixel = 1;
  N2S_HOST_DEVICE T& at(int y, int x) const { return data[y * row + x * pixel]; }
};

namespace blind_spot {

struct Pixel {
  int y = 0, x = 0;
};

/// In [0, count).
N2S_HOST_DEVICE inline int scaled(std::uint32_t bits, int count) {
  return static_cast<int>(static_cast<std::uint64_t>(bits) * static_cast<std::uint64_t>(count) >> 32U);
}

/// The target of a box; it may lie outside the image.
N2S_HOST_DEVICE inline Pixel target_of_box(const BlindSpots& spots, const RandomKey& key, int box_y, int box_x,
                                           int width) {
  const int boxes = (width + spots.box - 1) / spots.box;
  const std::uint32_t index = spots.is_grid ? 0U : static_cast<std::uint32_t>(box_y * boxes + box_x);
  const PhiloxBlock bits = random_block(key, index);
  return {box_y * spots.box + scaled(bits[0], spots.box), box_x * spots.box + scaled(bits[1], spots.box)};
}

N2S_HOST_DEVICE inline bool is_target(const BlindSpots& spots, const RandomKey& key, int y, int x, int width) {
  const Pixel target = target_of_box(spots, key, y / spots.box, x / spots.box, width);
  return target.y == y && target.x == x;
}

/// Whether the pixel is a target, or hidden with one.
N2S_HOST_DEVICE inline bool is_hidden(const BlindSpots& spots, const RandomKey& key, Pixel at, int height, int width) {
  const int half_y = spots.line_height / 2, half_x = spots.line_width / 2;
  const int first_y = (at.y - half_y < 0 ? 0 : at.y - half_y) / spots.box, last_y = (at.y + half_y) / spots.box;
  const int first_x = (at.x - half_x < 0 ? 0 : at.x - half_x) / spots.box, last_x = (at.x + half_x) / spots.box;
  for (int box_y = first_y; box_y <= last_y; ++box_y)
    for (int box_x = first_x; box_x <= last_x; ++box_x) {
      const Pixel target = target_of_box(spots, key, box_y, box_x, width);
      if (target.y < height && target.x < width && target.y - half_y <= at.y && at.y <= target.y + half_y &&
          target.x - half_x <= at.x && at.x <= target.x + half_x)
        return true;
    }
  return false;
}

struct Window {
  int top, left, height, width;
};
N2S_HOST_DEVICE inline Window window_around(Pixel at, int side, int height, int width) {
  const int half = side / 2;
  const int top = at.y < half ? 0 : at.y - half, left = at.x < half ? 0 : at.x - half;
  const int bottom = at.y + half + 1 < height ? at.y + half + 1 : height;
  const int right = at.x + half + 1 < width ? at.x + half + 1 : width;
  return {top, left, bottom - top, right - left};
}

/// The value with `rank` smaller ones, of the window without its centre.
template <typename Values>
N2S_HOST_DEVICE float value_of_rank(const Values& values, const Window& w, Pixel centre, int rank) {
  const int count = w.height * w.width, hole = (centre.y - w.top) * w.width + centre.x - w.left;
  for (int i = 0; i < count; ++i) {
    if (i == hole) continue;
    const auto candidate = static_cast<float>(values(w.top + i / w.width, w.left + i % w.width));
    int smaller = 0;
    for (int j = 0; j < count; ++j) {
      if (j == hole) continue;
      const auto other = static_cast<float>(values(w.top + j / w.width, w.left + j % w.width));
      smaller += other < candidate || (other == candidate && j < i) ? 1 : 0;
    }
    if (smaller == rank) return candidate;
  }
  return 0;  // there is no other pixel
}

template <typename Values>
N2S_HOST_DEVICE float interpolated(const Values& values, Pixel at, int height, int width) {
  float sum = 0, weights = 0;
  for (int y = at.y - 1; y <= at.y + 1; ++y)
    for (int x = at.x - 1; x <= at.x + 1; ++x) {
      if (y < 0 || x < 0 || y >= height || x >= width || (y == at.y && x == at.x)) continue;
      const float weight = y == at.y || x == at.x ? 2.0F : 1.0F;
      sum += weight * static_cast<float>(values(y, x));
      weights += weight;
    }
  return weights > 0 ? sum / weights : 0.0F;
}

/// What the network sees of a hidden pixel; values(y, x) are the plane's own.
template <typename Values>
N2S_HOST_DEVICE float replacement(const BlindSpots& spots, const RandomKey& key, const Values& values, Pixel at,
                                  int height, int width) {
  if (spots.replacement == BlindReplacement::interpolate) return interpolated(values, at, height, width);
  const Window w = window_around(at, spots.window, height, width);
  if (spots.replacement == BlindReplacement::uniform) {
    const auto pixel = static_cast<std::uint32_t>(at.y * width + at.x);
    const PhiloxBlock bits = random_block(key, 0x80000000U | pixel);  // boxes have the lower numbers
    return static_cast<float>(values(w.top + scaled(bits[0], w.height), w.left + scaled(bits[1], w.width)));
  }
  const int others = w.height * w.width - 1;
  const float upper = value_of_rank(values, w, at, others / 2);
  return others % 2 == 1 ? upper : (value_of_rank(values, w, at, others / 2 - 1) + upper) / 2;
}

}  // namespace blind_spot

/// Hides pixels of channel `channel` of image n of `input` (N, H, W, C), whose own values are in `target` (N, H, W, 1);
/// of the targets all but the hidden pixels in the middle of their lines become NaN: they do not count in the loss.
void hide_pixels(const BlindSpots& spots, const RandomKey& key, FloatTensor input, int channel, FloatTensor target,
                 int n);

/// The same by definition, pixel by pixel, for tests.
void hide_pixels_reference(const BlindSpots& spots, const RandomKey& key, FloatTensor input, int channel,
                           FloatTensor target, int n);

}  // namespace n2s
