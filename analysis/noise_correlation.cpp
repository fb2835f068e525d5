// Structure would be taken for correlated noise, so only the flattest blocks count, and what two neighbouring planes
// share is subtracted first.
#include "analysis/noise_correlation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace n2s {
namespace {

constexpr int kPatch = 16;          // pixels
constexpr double kFlattest = 0.25;  // share of the blocks that is used
constexpr double kMostEqual = 0.2;  // share of equal voxels in a block: more is a mask or a clipped background

struct Block {
  int top = 0, left = 0;
  double structure = 0;
};

std::size_t index_of(const Stack& stack, int y, int x) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(stack.width) + static_cast<std::size_t>(x);
}

/// Variance of the means of 4x4 pixels: noise averages out of it, structure does not.
double structure_in(const Stack& run, std::span<const float> plane, int top, int left) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kPatch; i += 4)
    for (int j = 0; j < kPatch; j += 4) {
      double cell = 0;
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 4; ++x) cell += plane[index_of(run, top + i + y, left + j + x)] / 16;
      sum += cell;
      squares += cell * cell;
    }
  return squares / 16 - sum / 16 * (sum / 16);
}

bool is_masked(const Stack& run, int number, int top, int left) {
  const std::span<const float> plane = plane_of(run, number);
  std::vector<float> values;
  for (int y = 0; y < kPatch; ++y)
    for (int x = 0; x < kPatch; ++x) values.push_back(plane[index_of(run, top + y, left + x)]);
  std::sort(values.begin(), values.end());
  std::size_t longest = 0;
  for (std::size_t i = 0, begin = 0; i < values.size(); ++i) {
    if (values[i] != values[begin]) begin = i;
    longest = std::max(longest, i - begin + 1);
  }
  // Few grey levels, as of 8-bit images with little noise, are no mask.
  const bool is_coarse = values.back() - values.front() <= 16 && values.front() != values[values.size() / 2];
  return values.front() == values.back() ||
         (!is_coarse && static_cast<double>(longest) > kMostEqual * static_cast<double>(values.size()));
}

/// Flat in both planes; of a single plane, in that one.
std::vector<Block> flattest_blocks(const Stack& run, int plane) {
  const int other = std::min(plane + 1, run.planes - 1);
  std::vector<Block> blocks;
  for (int top = 0; top + kPatch <= run.height; top += kPatch)
    for (int left = 0; left + kPatch <= run.width; left += kPatch)
      if (!is_masked(run, plane, top, left))
        blocks.push_back({top, left,
                          std::max(structure_in(run, plane_of(run, plane), top, left),
                                   structure_in(run, plane_of(run, other), top, left))});
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.structure < b.structure; });
  blocks.resize(static_cast<std::size_t>(std::ceil(kFlattest * static_cast<double>(blocks.size()))));
  return blocks;
}

/// Where a pixel of a block lies among its values.
std::size_t at_block(int y, int x) {
  return static_cast<std::size_t>(y) * kPatch + static_cast<std::size_t>(x);
}

/// A block without its mean and slopes.
std::vector<double> residual(std::span<const float> plane, const Stack& run, const Block& block) {
  std::vector<double> values;
  constexpr double kMiddle = (kPatch - 1) / 2.0;
  double sum = 0;
  double down = 0;
  double right = 0;
  double squares = 0;
  for (int y = 0; y < kPatch; ++y)
    for (int x = 0; x < kPatch; ++x) {
      const double value = plane[index_of(run, block.top + y, block.left + x)];
      values.push_back(value);
      sum += value;
      down += value * (y - kMiddle);
      right += value * (x - kMiddle);
      squares += (y - kMiddle) * (y - kMiddle);
    }
  for (int y = 0; y < kPatch; ++y)
    for (int x = 0; x < kPatch; ++x)
      values[at_block(y, x)] -=
          sum / (kPatch * kPatch) + down / squares * (y - kMiddle) + right / squares * (x - kMiddle);
  return values;
}

/// Sums of products of values that lie (down, right) apart, per pair.
double product_at(const std::vector<double>& values, int down, int right) {
  double sum = 0;
  for (int y = 0; y + down < kPatch; ++y)
    for (int x = 0; x + right < kPatch; ++x) sum += values[at_block(y, x)] * values[at_block(y + down, x + right)];
  return sum / ((kPatch - down) * (kPatch - right));
}

/// What two neighbouring planes do not share; of a single plane, the plane.
std::vector<float> unshared(const Stack& run, int plane) {
  const std::span<const float> here = plane_of(run, plane);
  std::vector<float> difference(here.begin(), here.end());
  if (plane + 1 < run.planes)
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= plane_of(run, plane + 1)[i];
  return difference;
}

struct InPlane {
  std::array<double, NoiseCorrelation::kLags> x{}, y{};
  double diagonal = 0;
};

void add_in_plane(const Stack& run, int plane, const std::vector<Block>& blocks, InPlane& sums) {
  const std::vector<float> difference = unshared(run, plane);
  for (const Block& block : blocks) {
    const std::vector<double> values = residual(difference, run, block);
    for (int lag = 0; lag < NoiseCorrelation::kLags; ++lag) {
      sums.x.at(static_cast<std::size_t>(lag)) += product_at(values, 0, lag);
      sums.y.at(static_cast<std::size_t>(lag)) += product_at(values, lag, 0);
    }
    sums.diagonal += product_at(values, 1, 1);
  }
}

/// Sums for the correlation of the finest detail of two planes.
struct Products {
  double ab = 0, aa = 0, bb = 0;
  double correlation() const { return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0; }
};

void add_products(const Stack& run, const std::vector<Block>& blocks, std::span<const float> a,
                  std::span<const float> b, Products& sums) {
  const auto width = static_cast<std::size_t>(run.width) - 1;
  for (const Block& block : blocks)
    for (int y = 0; y < kPatch - 1; ++y)
      for (int x = 0; x < kPatch - 1; ++x) {
        const std::size_t at =
            static_cast<std::size_t>(block.top + y) * width + static_cast<std::size_t>(block.left + x);
        sums.ab += double{a[at]} * b[at];
        sums.aa += double{a[at]} * a[at];
        sums.bb += double{b[at]} * b[at];
      }
}

std::vector<std::vector<float>> details_of(const Stack& run) {
  std::vector<std::vector<float>> details;
  details.reserve(static_cast<std::size_t>(run.planes));
  for (int plane = 0; plane < run.planes; ++plane)
    details.push_back(mixed_difference(plane_of(run, plane), run.height, run.width));
  return details;
}

/// Means along rows or columns, without the median of what surrounds them.
std::vector<double> stripes(const Stack& run, int plane, bool rows) {
  const int lines = rows ? run.height : run.width;
  const int length = rows ? run.width : run.height;
  std::vector<double> means(static_cast<std::size_t>(lines));
  for (int line = 0; line < lines; ++line)
    for (int i = 0; i < length; ++i)
      means[static_cast<std::size_t>(line)] +=
          double{plane_of(run, plane)[rows ? index_of(run, line, i) : index_of(run, i, line)]} / length;
  std::vector<double> left;
  constexpr int kReach = 4;
  for (int line = kReach; line + kReach < lines; ++line) {
    std::vector<double> around(means.begin() + line - kReach, means.begin() + line + kReach + 1);
    std::nth_element(around.begin(), around.begin() + kReach, around.end());
    left.push_back(means[static_cast<std::size_t>(line)] - around[kReach]);
  }
  return left;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  Products sums;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sums.ab += a[i] * b[i];
    sums.aa += a[i] * a[i];
    sums.bb += b[i] * b[i];
  }
  return sums.correlation();
}

/// Of the first run's planes with those of the last one, or of the ends of a single run.
void measure_far(const PlaneSample& sample, const std::vector<Block>& blocks, NoiseCorrelation& result) {
  const Stack& first = sample.planes.front();
  const Stack& last = sample.planes.back();
  if (last.planes < 1 || first.planes < 1) return;
  const std::size_t b = static_cast<std::size_t>(last.planes) - 1;
  result.far_distance = sample.runs.back()[b] - sample.runs.front()[0];
  if (result.far_distance < 1) return;
  const std::vector<float> one = mixed_difference(plane_of(first, 0), first.height, first.width);
  const std::vector<float> other =
      mixed_difference(plane_of(last, static_cast<std::ptrdiff_t>(b)), last.height, last.width);
  Products sums;
  add_products(first, blocks, one, other, sums);
  result.far = sums.correlation();
  result.far_rows = correlation(stripes(first, 0, true), stripes(last, static_cast<int>(b), true));
  result.far_columns = correlation(stripes(first, 0, false), stripes(last, static_cast<int>(b), false));
}

}  // namespace

std::vector<float> mixed_difference(std::span<const float> plane, int height, int width) {
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(height - 1) * static_cast<std::size_t>(width - 1));
  for (int y = 0; y + 1 < height; ++y)
    for (int x = 0; x + 1 < width; ++x) {
      const float* at = plane.data() + static_cast<std::ptrdiff_t>(y) * width + x;
      result.push_back(at[0] - at[1] - at[width] + at[width + 1]);
    }
  return result;
}

NoiseCorrelation measure_noise_correlation(const PlaneSample& sample) {
  NoiseCorrelation result;
  InPlane in_plane;
  std::vector<Products> by_distance;
  for (const Stack& run : sample.planes) {
    const std::vector<std::vector<float>> details = details_of(run);
    by_distance.resize(std::max(by_distance.size(), details.size()));
    for (int plane = 0; plane < std::max(1, run.planes - 1); ++plane) {
      const std::vector<Block> blocks = flattest_blocks(run, plane);
      result.blocks += static_cast<int>(blocks.size());
      add_in_plane(run, plane, blocks, in_plane);
      const auto here = static_cast<std::size_t>(plane);
      for (std::size_t other = here + 1; other < details.size(); ++other)
        add_products(run, blocks, details[here], details[other], by_distance[other - here]);
    }
  }
  if (in_plane.x[0] > 0) {
    for (std::size_t lag = 0; lag < NoiseCorrelation::kLags; ++lag) {
      result.along_x.at(lag) = in_plane.x.at(lag) / in_plane.x[0];
      result.along_y.at(lag) = in_plane.y.at(lag) / in_plane.y[0];
    }
    result.diagonal = in_plane.diagonal / in_plane.x[0];
  }
  for (std::size_t distance = 1; distance < by_distance.size(); ++distance)
    result.between_planes.push_back(by_distance[distance].correlation());
  if (result.blocks > 0) measure_far(sample, flattest_blocks(sample.planes.front(), 0), result);
  return result;
}

}  // namespace n2s
