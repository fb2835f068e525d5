// See white_noise.h.
#include "analysis/white_noise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "analysis/median.h"
#include "data/normalisation.h"
#include "data/stack_traits.h"
#include "kernels/base/error.h"
#include "kernels/bm3d/transforms.h"

namespace n2s {
namespace {

constexpr std::size_t kBlockSide = 8;
constexpr std::size_t kHighest = 7;            // sums of both frequencies from here on are high
constexpr std::size_t kMostBlocks = 1U << 16;  // of a plane
constexpr double kShare = 0.04;                // of the blocks
constexpr std::size_t kGroups = 16;            // of blocks of similar brightness
constexpr double kShareOfGroup = 0.06;         // of its blocks
constexpr std::size_t kFewestBlocks = 64;      // blocks
constexpr double kMedianOfSize = 0.67448975;   // of a normal variable's absolute value

using Spectrum = std::array<float, kBlockSide * kBlockSide>;

Spectrum spectrum_of(const std::vector<float>& cosines, const float* block, std::size_t stride) {
  Spectrum columns{};
  for (std::size_t u = 0; u < kBlockSide; ++u)
    for (std::size_t y = 0; y < kBlockSide; ++y)
      for (std::size_t x = 0; x < kBlockSide; ++x)
        columns[u * kBlockSide + x] += cosines[u * kBlockSide + y] * block[y * stride + x];
  Spectrum result{};
  for (std::size_t u = 0; u < kBlockSide; ++u)
    for (std::size_t v = 0; v < kBlockSide; ++v)
      for (std::size_t x = 0; x < kBlockSide; ++x)
        result[u * kBlockSide + v] += columns[u * kBlockSide + x] * cosines[v * kBlockSide + x];
  return result;
}

struct BlockSpectrum {
  float mean = 0;
  float low = 0;                 // energy in low frequencies, the mean aside
  std::array<float, 36> high{};  // sizes of the high frequencies
};

BlockSpectrum split(const Spectrum& spectrum) {
  BlockSpectrum block;
  block.mean = spectrum[0] / kBlockSide;
  std::size_t next = 0;
  for (std::size_t u = 0; u < kBlockSide; ++u)
    for (std::size_t v = 0; v < kBlockSide; ++v) {
      const float value = spectrum[u * kBlockSide + v];
      if (u + v >= kHighest)
        block.high[next++] = std::abs(value);
      else if (u + v > 0)
        block.low += value * value;
    }
  return block;
}

/// At most about `most` blocks of a plane, evenly spread; those with values at the limits are left out.
struct Limits {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
void add_blocks(std::span<const float> plane, int height, int width, std::size_t most, const Limits& limits,
                std::vector<BlockSpectrum>& blocks) {
  const std::vector<float> cosines = cosine_transform(static_cast<int>(kBlockSide)).forward;
  const auto row = static_cast<std::size_t>(width);
  const std::size_t columns = row - kBlockSide + 1;
  const std::size_t places = (static_cast<std::size_t>(height) - kBlockSide + 1) * columns;
  for (std::size_t i = 0; i < places; i += places / most + 1) {
    const float* block = plane.data() + i / columns * row + i % columns;
    bool is_inside = true;
    for (std::size_t y = 0; y < kBlockSide && is_inside; ++y)
      is_inside = std::all_of(block + y * row, block + y * row + kBlockSide,
                              [&](float value) { return value > limits.low && value < limits.high; });
    if (is_inside) blocks.push_back(split(spectrum_of(cosines, block, row)));
  }
}

/// Of the smoothest blocks; their mean as well.
struct Level {
  double value = 0, deviation = 0;
};
Level smoothest(std::span<BlockSpectrum> blocks, double share) {
  const std::size_t count = std::clamp(static_cast<std::size_t>(share * static_cast<double>(blocks.size())),
                                       std::min(kFewestBlocks, blocks.size()), blocks.size());
  std::nth_element(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(count - 1), blocks.end(),
                   [](const BlockSpectrum& a, const BlockSpectrum& b) { return a.low < b.low; });
  std::vector<float> sizes;
  sizes.reserve(count * 36);
  double sum = 0;
  for (const BlockSpectrum& block : blocks.first(count)) {
    sizes.insert(sizes.end(), block.high.begin(), block.high.end());
    sum += double{block.mean};
  }
  return {sum / static_cast<double>(count), double{median(std::move(sizes))} / kMedianOfSize};
}

/// Voxels that are not finite become the plane's mean. False: there are no others.
bool fill_gaps(Stack& plane) {
  double sum = 0;
  std::size_t finite = 0;
  for (const float value : plane.voxels)
    if (std::isfinite(value)) {
      sum += double{value};
      ++finite;
    }
  for (float& value : plane.voxels)
    if (!std::isfinite(value)) value = static_cast<float>(sum / static_cast<double>(finite));
  return finite > 0;
}

/// The lowest mean of the blocks of 8x8 pixels that a plane consists of, or the first percentile of its voxels where
/// that is lower.
double darkest_place(const Stack& plane) {
  std::vector<float> values = plane.voxels;
  double darkest = percentile(values, 1);
  constexpr int kBlock = static_cast<int>(kBlockSide);
  for (int top = 0; top + kBlock <= plane.height; top += kBlock)
    for (int left = 0; left + kBlock <= plane.width; left += kBlock) {
      double sum = 0;
      for (int y = top; y < top + kBlock; ++y) {
        const auto row = plane.voxels.begin() + static_cast<std::ptrdiff_t>(y) * plane.width + left;
        sum += std::accumulate(row, row + kBlock, 0.0);
      }
      darkest = std::min(darkest, sum / (kBlock * kBlock));
    }
  return darkest;
}

void check_size(int height, int width) {
  if (height < 16 || width < 16)
    throw Error("the noise cannot be estimated from planes of fewer than 16x16 pixels; give its level");
}

/// Least squares with weights 1 / variance^2, since a variance is measured in proportion to itself. Groups far above
/// the line have more structure than noise and lose weight in a second and third fit.
PoissonGaussian line_through(const std::vector<Level>& levels) {
  PoissonGaussian line;
  for (int pass = 0; pass < 4; ++pass) {
    double weights = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const Level& level : levels) {
      const double variance = level.deviation * level.deviation;
      const double excess = pass == 0 ? 0 : std::max(0.0, variance / (line.gain * level.value + line.offset) - 1);
      const double weight = 1 / (variance * variance) / (1 + std::pow(excess / 0.05, 2));
      weights += weight;
      x += weight * level.value;
      y += weight * variance;
      xx += weight * level.value * level.value;
      xy += weight * level.value * variance;
    }
    const double spread = weights * xx - x * x;
    line.gain = spread > 0 ? std::max(0.0, (weights * xy - x * y) / spread) : 0;
    line.offset = (y - line.gain * x) / weights;
  }
  return line;
}

}  // namespace

double white_noise_deviation(std::span<const float> plane, int height, int width) {
  check_size(height, width);
  std::vector<BlockSpectrum> blocks;
  add_blocks(plane, height, width, kMostBlocks, {}, blocks);
  return smoothest(blocks, kShare).deviation;
}

double white_noise_deviation(const PlanesToRead& planes) {
  std::vector<double> deviations;
  for (const int number : sampled_planes(planes.shape.planes, 3)) {
    Stack plane = planes.read(number, 1);
    if (fill_gaps(plane)) deviations.push_back(white_noise_deviation(plane.voxels, plane.height, plane.width));
  }
  return deviations.empty() ? 0 : median(std::move(deviations));
}

CameraNoise camera_noise(const PlanesToRead& planes) {
  check_size(planes.shape.height, planes.shape.width);
  std::vector<BlockSpectrum> blocks;
  double darkest = std::numeric_limits<double>::infinity();
  const std::vector<int> numbers = sampled_planes(planes.shape.planes, 4);
  for (const int number : numbers) {
    Stack plane = planes.read(number, 1);
    if (!fill_gaps(plane)) continue;
    const auto [low, high] = std::minmax_element(plane.voxels.begin(), plane.voxels.end());
    add_blocks(plane.voxels, plane.height, plane.width, 2 * kMostBlocks / numbers.size(), {*low, *high}, blocks);
    darkest = std::min(darkest, darkest_place(plane));
  }
  if (blocks.size() < kGroups * kFewestBlocks)
    throw Error("the planes are too small, or constant: their noise cannot be estimated");
  std::sort(blocks.begin(), blocks.end(),
            [](const BlockSpectrum& a, const BlockSpectrum& b) { return a.mean < b.mean; });
  std::vector<Level> levels;
  levels.reserve(kGroups);
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t begin = g * blocks.size() / kGroups;
    const std::size_t end = (g + 1) * blocks.size() / kGroups;
    const Level level = smoothest(std::span(blocks).subspan(begin, end - begin), kShareOfGroup);
    if (level.deviation > 0) levels.push_back(level);
  }
  if (levels.size() < 2) throw Error("no noise is found in the planes");
  CameraNoise noise{line_through(levels)};
  // Where values end at 0 there is less noise than a camera's line says, and the line meets 0 too late: what is darker
  // would become the black level.
  noise.line.offset = std::max(noise.line.offset, -noise.line.gain * darkest);
  const auto variance = [&](const Level& level) { return noise.line.gain * level.value + noise.line.offset; };
  const double dark = variance(levels.front());
  if (noise.line.gain > 0)
    noise.growth = dark > 0 ? variance(levels.back()) / dark : std::numeric_limits<double>::infinity();
  return noise;
}

}  // namespace n2s
