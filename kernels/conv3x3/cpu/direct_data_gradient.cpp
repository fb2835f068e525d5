// Data gradient of the direct variant (direct.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/direct_data_gradient.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/direct.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/stage-inl.h"
#include "kernels/conv3x3/cpu/store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using direct::Chunks;

struct DirectDataGradientWork {
  const Conv3x3Layer& layer;
  const Conv3x3DataGradient& problem;
  const direct::DataGradientPlan& plan;
  const float* packed;
  float *output_gradient, *sums;  // scratch of this thread
};

// Filter rows x pixels: `rows` products of depth rows * C_out, whose A rows are `step` pixels apart.
void multiply(const DirectDataGradientWork& w, int rows, int first_row, int step, int pixels, const float* weights,
              std::ptrdiff_t columns, float* c) {
  const int out = w.layer.out_channels;
  for (int ky = 0; ky < rows; ++ky, weights += rows * out * columns)
    gemm<false>(pixels, rows * out,
                {w.output_gradient + std::ptrdiff_t{first_row + ky} * (w.plan.chunks.width + 2) * out, step * out},
                {weights, columns, kPacked}, c, columns, ky > 0);
}

void write_row(const ConvGradientTarget& target, int n, int y, int x, int pixels, const float* sums,
               std::ptrdiff_t columns) {
  const int channels = target.gradient.shape.channels;
  for (int i = 0; i < pixels; ++i)
    for (int c = 0; c < channels; c += kLanes)
      store_gradient(target, n, y, x + i, c, channels - c, hn::Load(kFloat, sums + i * columns + c));
}

void data_gradient_chunk(const DirectDataGradientWork& w, Chunks::Place at) {
  const direct::DataGradientPlan& plan = w.plan;
  stage(w.problem.output_gradient, w.layer, {at.n, at.y - 1, at.x - 1, 4, plan.chunks.width + 2}, w.layer.out_channels,
        w.output_gradient);
  const int pixels = std::min(plan.chunks.width, w.layer.width - at.x);
  if (w.problem.low.gradient) {
    multiply(w, 4, 0, 2, pixels / 2, w.packed, plan.low_columns, w.sums);
    write_row(w.problem.low, at.n, at.y / 2, at.x / 2, pixels / 2, w.sums, plan.low_columns);
  }
  if (!w.problem.skip.gradient) return;
  for (int py = 0; py < 2; ++py) {
    multiply(w, 3, py, 1, pixels, w.packed + plan.low_packed, plan.skip_columns, w.sums);
    write_row(w.problem.skip, at.n, at.y + py, at.x, pixels, w.sums, plan.skip_columns);
  }
}

void direct_data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem,
                          const direct::DataGradientPlan& plan, const float* packed, float* scratch, ThreadPool& pool) {
  pool.parallel_for(plan.chunks.count, [&](std::ptrdiff_t chunk, int thread) {
    float* output_gradient = scratch + thread * plan.per_thread;
    data_gradient_chunk({layer, problem, plan, packed, output_gradient, output_gradient + plan.output_gradient},
                        plan.chunks[chunk]);
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(direct_data_gradient);
namespace direct {

void data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem, ThreadPool& pool) {
  HWY_DYNAMIC_DISPATCH(direct_data_gradient)
  (layer, problem, DataGradientPlan(layer), floats(problem.packed), floats(problem.scratch), pool);
}

}  // namespace direct
}  // namespace n2s
#endif
