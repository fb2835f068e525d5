// Hides pixels on the CPU, box by box: few pixels are touched.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/blind_spot/blind_spot.h"

namespace n2s {

void hide_pixels(const BlindSpots& spots, const RandomKey& key, FloatTensor input, int channel, FloatTensor target,
                 int n) {
  using blind_spot::Pixel;
  const Shape& s = input.shape;
  if (target.shape != Shape{s.batch, s.height, s.width, 1} || channel < 0 || channel >= s.channels || spots.box < 1)
    throw Error("hiding pixels: the sizes do not fit together");
  const float* own = target.pixel(n, 0, 0);
  const auto values = [&](int y, int x) { return own[std::ptrdiff_t{y} * s.width + x]; };
  std::vector<Pixel> targets;
  for (int box_y = 0; box_y * spots.box < s.height; ++box_y)
    for (int box_x = 0; box_x * spots.box < s.width; ++box_x)
      if (const Pixel p = blind_spot::target_of_box(spots, key, box_y, box_x, s.width); p.y < s.height && p.x < s.width)
        targets.push_back(p);
  for (const Pixel& p : targets)
    for (int y = std::max(0, p.y - spots.line_height / 2); y <= std::min(s.height - 1, p.y + spots.line_height / 2);
         ++y)
      for (int x = std::max(0, p.x - spots.line_width / 2); x <= std::min(s.width - 1, p.x + spots.line_width / 2); ++x)
        input.pixel(n, y, x)[channel] = blind_spot::replacement(spots, key, values, Pixel{y, x}, s.height, s.width);
  std::vector<float> kept;
  kept.reserve(targets.size());
  for (const Pixel& p : targets) kept.push_back(values(p.y, p.x));
  float* out = target.pixel(n, 0, 0);
  std::fill_n(out, std::ptrdiff_t{s.height} * s.width, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t i = 0; i < targets.size(); ++i) out[std::ptrdiff_t{targets[i].y} * s.width + targets[i].x] = kept[i];
}

}  // namespace n2s
