// BM3D on the CPU: strips of reference rows, each matched and filtered by one thread, which has sums of its own for the
// rows that its blocks reach.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/reflect.h"
#include "kernels/bm3d/bm3d.h"
#include "kernels/bm3d/group_filter.h"
#include "kernels/bm3d/stage.h"

namespace n2s {
namespace {

constexpr int kRowsOfStrip = 4;  // of reference blocks

/// A plane with its own memory, rows padded for whole vectors.
struct PaddedPlane {
  int height = 0, width = 0;
  std::vector<float> values;

  PaddedPlane(int h, int w) : height(h), width(w), values(static_cast<std::size_t>(h) * stride() + kPlaneSlack) {}
  std::size_t stride() const { return static_cast<std::size_t>(width) + kPlaneSlack / 2; }
  float* row(int y) { return values.data() + static_cast<std::size_t>(y) * stride(); }
  PlaneView view() const { return {values.data(), height, width, static_cast<std::ptrdiff_t>(stride())}; }
};

/// The sums of the whole plane; strips are added under a lock, in any order.
class PlaneSums {
 public:
  explicit PlaneSums(const PlaneView& plane)
      : stride_(plane.stride), sums_(static_cast<std::size_t>(plane.height) * static_cast<std::size_t>(plane.stride)) {}

  void add(const Bm3dStrip& strip) {
    const std::scoped_lock lock(mutex_);
    Bm3dSums* sums = sums_.data() + strip.first_row * stride_;
    for (std::size_t i = 0; i < static_cast<std::size_t>(strip.rows * stride_); ++i) {
      sums[i].weight += strip.weights[i];
      sums[i].value += strip.values[i];
    }
  }

  float estimate(int y, int x) const {
    const Bm3dSums& sum = sums_[static_cast<std::size_t>(y * stride_ + x)];
    return static_cast<float>(static_cast<double>(sum.value) / static_cast<double>(sum.weight));
  }

 private:
  std::ptrdiff_t stride_;
  std::vector<Bm3dSums> sums_;
  std::mutex mutex_;
};

int power_of_two_below(int count) {
  int power = 1;
  while (2 * power <= count) power *= 2;
  return power;
}

/// Matches blocks in `guide` and filters those of `noisy`.
void run_strip(const Bm3dStageSetup& setup, const PlaneView& noisy, const PlaneView& guide, int first, int end,
               Bm3dStrip& strip) {
  const BlockSearch& s = setup.search;
  const int top = reference_at(first, guide.height, s.block, s.step);
  const int bottom = reference_at(end - 1, guide.height, s.block, s.step);
  strip.first_row = std::max(0, top - s.reach);
  strip.rows = std::min(guide.height, bottom + s.reach + s.block) - strip.first_row;
  strip.stride = guide.stride;
  const std::size_t size = static_cast<std::size_t>(strip.rows * strip.stride) + kPlaneSlack;
  strip.weights.assign(size, 0);
  strip.values.assign(size, 0);
  GroupFilter filter = group_filter(setup, noisy, guide);
  BlockGroups groups;
  std::vector<float> scratch;
  std::vector<std::ptrdiff_t> offsets(static_cast<std::size_t>(s.most));
  for (int row = first; row < end; ++row) {
    match_blocks(guide, s, setup.order, row, groups, scratch);
    const int y = reference_at(row, guide.height, s.block, s.step);
    for (std::size_t i = 0; i < groups.counts.size(); ++i) {
      const int x = reference_at(static_cast<int>(i), guide.width, s.block, s.step);
      const int count = power_of_two_below(groups.counts[i]);
      for (int member = 0; member < count; ++member) {
        const Shift shift =
            setup.order[groups.members[i * static_cast<std::size_t>(s.most) + static_cast<std::size_t>(member)]];
        offsets[static_cast<std::size_t>(member)] = (y + shift.y) * guide.stride + x + shift.x;
      }
      filter_group(filter, {offsets.data(), count}, strip);
    }
  }
}

PaddedPlane run_stage(const Bm3dStageSetup& setup, const PlaneView& noisy, const PlaneView& guide, ThreadPool& pool) {
  const int rows = reference_count(noisy.height, setup.search.block, setup.search.step);
  PlaneSums sums(noisy);
  std::vector<Bm3dStrip> strips(static_cast<std::size_t>(pool.threads()));
  pool.parallel_for((rows + kRowsOfStrip - 1) / kRowsOfStrip, [&](std::ptrdiff_t i, int thread) {
    const int first = static_cast<int>(i) * kRowsOfStrip;
    Bm3dStrip& strip = strips[static_cast<std::size_t>(thread)];
    run_strip(setup, noisy, guide, first, std::min(rows, first + kRowsOfStrip), strip);
    sums.add(strip);
  });
  PaddedPlane estimate(noisy.height, noisy.width);
  for (int y = 0; y < noisy.height; ++y)
    for (int x = 0; x < noisy.width; ++x) estimate.row(y)[x] = sums.estimate(y, x);
  return estimate;
}

}  // namespace

void bm3d(const Bm3dProblem& problem, std::span<const float> noisy, std::span<float> restored, ThreadPool& pool) {
  const Bm3dScaling scaling = bm3d_scaling(problem, noisy);
  if (scaling.scale == 0) {
    std::copy(noisy.begin(), noisy.end(), restored.begin());
    return;
  }
  const Bm3dStageSetup threshold = threshold_setup(problem, scaling.scale);
  const Bm3dStageSetup wiener = wiener_setup(problem, scaling.scale);
  PaddedPlane plane(std::max(problem.height, kBlock), std::max(problem.width, kBlock));
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x)
      plane.row(y)[x] = scaling.forward(
          noisy[static_cast<std::size_t>(reflect(y, problem.height)) * static_cast<std::size_t>(problem.width) +
                static_cast<std::size_t>(reflect(x, problem.width))]);
  const PaddedPlane first = run_stage(threshold, plane.view(), plane.view(), pool);
  PaddedPlane second = run_stage(wiener, plane.view(), first.view(), pool);
  for (int y = 0; y < problem.height; ++y)
    for (int x = 0; x < problem.width; ++x)
      restored[static_cast<std::size_t>(y) * static_cast<std::size_t>(problem.width) + static_cast<std::size_t>(x)] =
          scaling.back(second.row(y)[x]);
}

}  // namespace n2s
