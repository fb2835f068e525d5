// Non-local means on the CPU: a row of pixels at a time, all of them against one shift, so that neighbouring patches
// share the sums of their columns.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/nlm/cpu.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/block_matching/distances-inl.h"
#include "kernels/nlm/padded_planes.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

// nlm_exponential(), lane by lane.
HWY_INLINE hn::Vec<WindowLanes> exponential(hn::Vec<WindowLanes> negative) {
  const hn::RebindToSigned<WindowLanes> integers;
  const auto steps = hn::ConvertTo(integers, hn::Mul(negative, hn::Set(kWindow, kNlmSlope)));
  return hn::BitCast(kWindow, hn::ShiftLeft<3>(hn::Add(steps, hn::Set(integers, kNlmOne))));
}

// Adds the pixels of a row at one shift, weighted by the similarity of the patches whose summed squared differences are
// in `sums`.
void add_similar(const NlmWeights& weighting, const float* shifted, int count, const float* sums, float* weights,
                 float* values) {
  const auto factor = hn::Set(kWindow, weighting.per_difference), noise = hn::Set(kWindow, weighting.noise);
  const auto cut_off = hn::Set(kWindow, kNlmCutOff);
  for (int x = 0; x < count; x += kWindowLanes) {
    const auto excess = hn::Max(hn::Sub(hn::LoadU(kWindow, sums + x), noise), hn::Zero(kWindow));
    const auto distance = hn::Mul(excess, factor);
    const auto near = hn::Le(distance, cut_off);
    if (hn::AllFalse(kWindow, near)) continue;
    const auto weight = hn::IfThenElseZero(near, exponential(hn::Neg(distance)));
    hn::StoreU(hn::Add(hn::LoadU(kWindow, weights + x), weight), kWindow, weights + x);
    hn::StoreU(hn::MulAdd(weight, hn::LoadU(kWindow, shifted + x), hn::LoadU(kWindow, values + x)), kWindow,
               values + x);
  }
}

// One row of the result; `scratch` has three rows.
void nlm_row(const PaddedPlanes& padded, const NlmProblem& problem, const NlmWeights& weighting, int plane, int y,
             float* scratch, float* restored) {
  const int window = nlm_window(problem), first = 1 - problem.patch / 2;
  const int depth = problem.across ? window : 1, first_plane = problem.across ? first : 0;
  const int planes = problem.across ? problem.distance : 0, width = problem.width;
  const std::ptrdiff_t row = padded.row_floats();
  float *sums = scratch, *weights = scratch + row, *values = scratch + 2 * row;
  std::fill_n(weights, 2 * row, 0.0F);
  for (int z = -planes; z <= planes; ++z)
    for (int i = -problem.distance; i <= problem.distance; ++i)
      for (int j = -problem.distance; j <= problem.distance; ++j) {
        const float* a = padded.at(plane + first_plane, y + first, first);
        const float* b = padded.at(plane + first_plane + z, y + i + first, j + first);
        column_sums<false>({a, b, row, window}, width + window - 1, sums);
        for (int p = 1; p < depth; ++p)
          column_sums<true>({a + p * padded.plane_floats(), b + p * padded.plane_floats(), row, window},
                            width + window - 1, sums);
        window_sums(window, width, sums);
        add_similar(weighting, padded.at(plane + z, y + i, j), width, sums, weights, values);
      }
  for (int x = 0; x < width; ++x) restored[x] = values[x] / weights[x];
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(nlm_row);

void nlm(const NlmProblem& problem, std::span<const float> noisy, std::span<float> restored, ThreadPool& pool) {
  check_nlm(problem, noisy.size(), restored.size());
  const PaddedPlanes padded(problem, noisy);
  const NlmWeights weighting = nlm_weights(problem);
  const auto row = static_cast<std::size_t>(padded.row_floats());
  std::vector<float> scratch(static_cast<std::size_t>(pool.threads()) * 3 * row);
  pool.parallel_for(std::ptrdiff_t{problem.planes} * problem.height, [&](std::ptrdiff_t i, int thread) {
    HWY_DYNAMIC_DISPATCH(nlm_row)
    (padded, problem, weighting, static_cast<int>(i / problem.height), static_cast<int>(i % problem.height),
     scratch.data() + static_cast<std::size_t>(thread) * 3 * row, restored.data() + i * problem.width);
  });
  padded.to_own_units(restored);
}

}  // namespace n2s
#endif
