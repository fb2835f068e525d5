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
constexpr std::size_t kFewestFinite = 56;      // pixels of a block
constexpr std::size_t kMostEqual = 6;          // squares in a block, of 49; by chance, noise of a step or more has 1
constexpr double kFewestOthers = 0.02;         // of the blocks, that are not flat
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

using Block = std::array<float, kBlockSide * kBlockSide>;

/// Voxels that are not finite become the mean of the others. False: there are too many of them.
bool fill_gaps(Block& block) {
  double sum = 0;
  std::size_t finite = 0;
  for (const float value : block)
    if (std::isfinite(value)) {
      sum += double{value};
      ++finite;
    }
  if (finite < kFewestFinite) return false;
  for (float& value : block)
    if (!std::isfinite(value)) value = static_cast<float>(sum / static_cast<double>(finite));
  return true;
}

/// Whether pixels are equal to those around them: of a mask or a part of one, of what is saturated, of a drawing.
bool is_flat(const Block& block) {
  std::size_t equal = 0;  // squares of 2x2 pixels
  for (std::size_t y = 0; y + 1 < kBlockSide; ++y)
    for (std::size_t x = 0; x + 1 < kBlockSide; ++x) {
      const float* square = &block[y * kBlockSide + x];
      equal += square[0] == square[1] && square[0] == square[kBlockSide] && square[0] == square[kBlockSide + 1];
    }
  return equal >= kMostEqual;
}

struct Limits {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

/// At most about `most` blocks of a plane, evenly spread; those with values at the limits or many that are not finite
/// are left out, and flat ones, unless there are hardly any others.
void add_blocks(std::span<const float> plane, int height, int width, std::size_t most, const Limits& limits,
                std::vector<BlockSpectrum>& blocks) {
  const std::vector<float> cosines = cosine_transform(static_cast<int>(kBlockSide)).forward;
  const auto row = static_cast<std::size_t>(width);
  const std::size_t columns = row - kBlockSide + 1;
  const std::size_t places = (static_cast<std::size_t>(height) - kBlockSide + 1) * columns;
  std::vector<BlockSpectrum> flat;
  std::vector<BlockSpectrum> others;
  for (std::size_t i = 0; i < places; i += places / most + 1) {
    Block block;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled on the next lines
    const float* first = plane.data() + i / columns * row + i % columns;
    for (std::size_t y = 0; y < kBlockSide; ++y) std::copy_n(first + y * row, kBlockSide, &block[y * kBlockSide]);
    if (!fill_gaps(block)) continue;
    if (std::any_of(block.begin(), block.end(),
                    [&](float value) { return value <= limits.low || value >= limits.high; }))
      continue;
    (is_flat(block) ? flat : others).push_back(split(spectrum_of(cosines, block.data(), kBlockSide)));
  }
  const auto all = static_cast<double>(flat.size() + others.size());
  blocks.insert(blocks.end(), others.begin(), others.end());
  if (others.size() < kFewestBlocks || static_cast<double>(others.size()) < kFewestOthers * all)
    blocks.insert(blocks.end(), flat.begin(), flat.end());
}

/// Of the smoothest blocks; their mean as well.
struct Level {
  double value = 0, deviation = 0;
};
Level smoothest(std::span<BlockSpectrum> blocks, double share) {
  if (blocks.empty()) return {};
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

/// The lowest mean of the blocks of 8x8 pixels that a plane consists of, or the first percentile of their voxels where
/// that is lower. Constant blocks, which a mask makes, do not count, nor do those with voxels that are not finite.
double darkest_place(const Stack& plane) {
  std::vector<float> values;
  double darkest = std::numeric_limits<double>::infinity();
  constexpr int kSide = static_cast<int>(kBlockSide);
  for (int top = 0; top + kSide <= plane.height; top += kSide)
    for (int left = 0; left + kSide <= plane.width; left += kSide) {
      Block block;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled on the next lines
      for (int y = 0; y < kSide; ++y)
        std::copy_n(plane.voxels.begin() + static_cast<std::ptrdiff_t>(top + y) * plane.width + left, kSide,
                    block.begin() + static_cast<std::ptrdiff_t>(y) * kSide);
      const double mean = std::accumulate(block.begin(), block.end(), 0.0) / static_cast<double>(block.size());
      const bool is_constant = std::all_of(block.begin(), block.end(), [&](float v) { return v == block.front(); });
      if (is_constant || !std::isfinite(mean)) continue;
      darkest = std::min(darkest, mean);
      values.insert(values.end(), block.begin(), block.end());
    }
  return values.empty() ? darkest : std::min(darkest, percentile(values, 1));
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
    const Stack plane = planes.read(number, 1);
    const double deviation = white_noise_deviation(plane.voxels, plane.height, plane.width);
    if (deviation > 0) deviations.push_back(deviation);
  }
  return deviations.empty() ? 0 : median(std::move(deviations));
}

CameraNoise camera_noise(const PlanesToRead& planes) {
  check_size(planes.shape.height, planes.shape.width);
  std::vector<BlockSpectrum> blocks;
  double darkest = std::numeric_limits<double>::infinity();
  const std::vector<int> numbers = sampled_planes(planes.shape.planes, 4);
  for (const int number : numbers) {
    const Stack plane = planes.read(number, 1);
    const auto [low, high] = finite_range(plane.voxels);
    if (low > high) continue;  // nothing is finite
    add_blocks(plane.voxels, plane.height, plane.width, 2 * kMostBlocks / numbers.size(), {low, high}, blocks);
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
