// See segmentation.h.
#include "analysis/segmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace n2s {
namespace {

constexpr int kBins = 1024;

double percentile(std::vector<float>& values, double percent) {
  const auto place = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

/// Weights 1 4 6 4 1 along both axes, continued by the edge's pixels.
std::vector<float> smoothed(std::span<const float> plane, int height, int width) {
  constexpr std::array kWeights{1 / 16.0F, 4 / 16.0F, 6 / 16.0F, 4 / 16.0F, 1 / 16.0F};
  constexpr int kReach = 2;
  const auto at = [&](int y, int x) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  };
  std::vector<float> rows(plane.size());
  std::vector<float> both(plane.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int from = x - kReach; const float weight : kWeights)
        rows[at(y, x)] += weight * plane[at(y, std::clamp(from++, 0, width - 1))];
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int from = y - kReach; const float weight : kWeights)
        both[at(y, x)] += weight * rows[at(std::clamp(from++, 0, height - 1), x)];
  return both;
}

}  // namespace

double otsu_threshold(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  const double low = percentile(sorted, 0.1);
  const double high = percentile(sorted, 99.9);
  if (!(high > low)) return low;
  std::array<double, kBins> counts{};
  for (const float v : values)
    counts[static_cast<std::size_t>(std::clamp((v - low) / (high - low) * kBins, 0.0, kBins - 1.0))] += 1;
  double total = 0;
  double sum = 0;
  for (int i = 0; i < kBins; ++i) {
    total += counts[static_cast<std::size_t>(i)];
    sum += i * counts[static_cast<std::size_t>(i)];
  }
  double dark = 0;
  double dark_sum = 0;
  double best = -1;
  int threshold = 0;
  for (int i = 0; i + 1 < kBins; ++i) {
    dark += counts[static_cast<std::size_t>(i)];
    dark_sum += i * counts[static_cast<std::size_t>(i)];
    if (dark == 0 || dark == total) continue;
    const double apart = dark_sum / dark - (sum - dark_sum) / (total - dark);
    const double between = dark * (total - dark) * apart * apart;
    if (between > best) {
      best = between;
      threshold = i;
    }
  }
  return low + (threshold + 1) * (high - low) / kBins;
}

Stack otsu_masks(const Stack& stack) {
  Stack masks{stack.planes, stack.height, stack.width, {}};
  for (int plane = 0; plane < stack.planes; ++plane) {
    const std::vector<float> smooth = smoothed(plane_of(stack, plane), stack.height, stack.width);
    masks.voxels.insert(masks.voxels.end(), smooth.begin(), smooth.end());
  }
  const double threshold = otsu_threshold(masks.voxels);
  for (float& value : masks.voxels) value = value > threshold ? 1.0F : 0.0F;
  return masks;
}

int count_objects(std::span<const float> mask, int height, int width, int least_pixels) {
  std::vector<bool> seen(mask.size());
  std::vector<std::size_t> open;
  int objects = 0;
  for (std::size_t start = 0; start < mask.size(); ++start) {
    if (seen[start] || !(mask[start] > 0.5F)) continue;
    int pixels = 0;
    seen[start] = true;
    open.push_back(start);
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      ++pixels;
      const auto y = static_cast<int>(i / static_cast<std::size_t>(width));
      const auto x = static_cast<int>(i % static_cast<std::size_t>(width));
      for (int ny = std::max(0, y - 1); ny <= std::min(height - 1, y + 1); ++ny)
        for (int nx = std::max(0, x - 1); nx <= std::min(width - 1, x + 1); ++nx) {
          const std::size_t n =
              static_cast<std::size_t>(ny) * static_cast<std::size_t>(width) + static_cast<std::size_t>(nx);
          if (seen[n] || !(mask[n] > 0.5F)) continue;
          seen[n] = true;
          open.push_back(n);
        }
    }
    objects += pixels >= least_pixels ? 1 : 0;
  }
  return objects;
}

double dice(std::span<const float> a, std::span<const float> b) {
  double both = 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool in_a = a[i] > 0.5F;
    const bool in_b = b[i] > 0.5F;
    both += in_a && in_b ? 1 : 0;
    sum += (in_a ? 1 : 0) + (in_b ? 1 : 0);
  }
  return sum == 0 ? 1 : 2 * both / sum;
}

}  // namespace n2s
