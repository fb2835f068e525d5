// The end of a weight gradient, common to both variants: partial sums of slices are reduced in a fixed order, so that
// the number of threads changes nothing, and stored as OIHW.
#if defined(N2S_KERNELS_CONV3X3_CPU_SLICES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_SLICES_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_SLICES_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_SLICES_INL_H_
#endif

#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

// Each slice: [9 taps][inputs][outputs padded to 16], then the bias gradient [outputs padded to 16].
struct Slices {
  const float* data;
  std::ptrdiff_t step;  // floats from slice to slice
  std::ptrdiff_t count;
  int inputs, outputs;
  int columns() const { return (outputs + 15) / 16 * 16; }
};

// One vector of outputs of one input channel.
HWY_INLINE void sum_filters(const Slices& s, int input, int column, float* weight_gradient) {
  HWY_ALIGN float taps[9 * kLanes];
  for (int tap = 0; tap < 9; ++tap) {
    const float* first = s.data + (std::ptrdiff_t{tap} * s.inputs + input) * s.columns() + column;
    Vec sum = hn::Load(kFloat, first);
    for (std::ptrdiff_t i = 1; i < s.count; ++i) sum = hn::Add(sum, hn::Load(kFloat, first + i * s.step));
    hn::Store(sum, kFloat, taps + tap * kLanes);
  }
  for (int lane = 0; lane < std::min(kLanes, s.outputs - column); ++lane) {
    float* filter = weight_gradient + (std::ptrdiff_t{column + lane} * s.inputs + input) * 9;
    for (int tap = 0; tap < 9; ++tap) filter[tap] = taps[tap * kLanes + lane];
  }
}

inline void sum_slices(const Slices& s, const Conv3x3WeightGradient& problem, ThreadPool& pool) {
  auto* weights = problem.weight_gradient.as<float>();
  pool.parallel_for((s.outputs + kLanes - 1) / kLanes, [&](std::ptrdiff_t vector, int) {
    for (int c = 0; c < s.inputs; ++c) sum_filters(s, c, static_cast<int>(vector) * kLanes, weights);
  });
  if (!problem.bias_gradient) return;
  const float* first = s.data + std::ptrdiff_t{9} * s.inputs * s.columns();
  for (int c = 0; c < s.outputs; ++c) {
    float sum = first[c];
    for (std::ptrdiff_t i = 1; i < s.count; ++i) sum += first[i * s.step + c];
    problem.bias_gradient.as<float>()[c] = sum;
  }
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
