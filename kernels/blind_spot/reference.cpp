// Every pixel asks whether it is hidden, and sorts its window.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/blind_spot/blind_spot.h"

namespace n2s {
namespace {

float replaced(const BlindSpots& spots, const RandomKey& key, const std::vector<float>& plane, int height, int width,
               int y, int x) {
  const auto at = [&](int row, int column) {
    return plane[static_cast<std::size_t>(std::ptrdiff_t{row} * width + column)];
  };
  const auto inside = [&](int row, int column) { return row >= 0 && column >= 0 && row < height && column < width; };
  if (spots.replacement == BlindReplacement::interpolate) {
    double sum = 0;
    double weights = 0;
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        const int weight = 2 - std::abs(dy * dx);
        if ((dy == 0 && dx == 0) || !inside(y + dy, x + dx)) continue;
        sum += weight * double{at(y + dy, x + dx)};
        weights += weight;
      }
    return static_cast<float>(sum / weights);
  }
  std::vector<float> window;
  std::vector<float> others;
  for (int row = y - spots.window / 2; row <= y + spots.window / 2; ++row)
    for (int column = x - spots.window / 2; column <= x + spots.window / 2; ++column) {
      if (!inside(row, column)) continue;
      window.push_back(at(row, column));
      if (row != y || column != x) others.push_back(at(row, column));
    }
  if (spots.replacement == BlindReplacement::median) {
    std::sort(others.begin(), others.end());
    const std::size_t half = others.size() / 2;
    return others.size() % 2 == 1 ? others[half] : (others[half - 1] + others[half]) / 2;
  }
  const PhiloxBlock bits = random_block(key, 0x80000000U | static_cast<std::uint32_t>(y * width + x));
  const int rows = std::min(height - 1, y + spots.window / 2) - std::max(0, y - spots.window / 2) + 1;
  const auto columns = static_cast<int>(window.size()) / rows;
  const auto row = static_cast<int>(double{static_cast<double>(bits[0])} * 0x1p-32 * rows);
  const auto column = static_cast<int>(double{static_cast<double>(bits[1])} * 0x1p-32 * columns);
  return window[static_cast<std::size_t>(std::ptrdiff_t{row} * columns + column)];
}

}  // namespace

void hide_pixels_reference(const BlindSpots& spots, const RandomKey& key, FloatTensor input, int channel,
                           FloatTensor target, int n) {
  const int height = input.shape.height, width = input.shape.width;
  const std::vector<float> plane(target.pixel(n, 0, 0), target.pixel(n, 0, 0) + std::ptrdiff_t{height} * width);
  const auto is_target = [&](int y, int x) {
    if (y < 0 || x < 0 || y >= height || x >= width) return false;
    return blind_spot::is_target(spots, key, y, x, width);
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      bool hidden = false;
      for (int dy = -(spots.line_height / 2); dy <= spots.line_height / 2; ++dy)
        for (int dx = -(spots.line_width / 2); dx <= spots.line_width / 2; ++dx) hidden |= is_target(y + dy, x + dx);
      if (hidden) input.pixel(n, y, x)[channel] = replaced(spots, key, plane, height, width, y, x);
      if (!is_target(y, x)) *target.pixel(n, y, x) = std::numeric_limits<float>::quiet_NaN();
    }
}

}  // namespace n2s
