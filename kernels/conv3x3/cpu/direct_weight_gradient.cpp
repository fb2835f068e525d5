// Weight gradient of the direct variant: for each filter row, [3 * C_in, pixels] x [pixels, C_out] (direct.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/direct_weight_gradient.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/direct.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/slices-inl.h"
#include "kernels/conv3x3/cpu/stage-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using direct::Chunks;

struct DirectWeightGradientWork {
  const Conv3x3Layer& layer;
  const Conv3x3WeightGradient& problem;
  const direct::WeightGradientPlan& plan;
  float *skip, *low, *output_gradient, *sums;  // scratch of this thread
  float* slice;                                // results of the current slice
  float* skip_sums() const { return sums + std::ptrdiff_t{16} * layer.low_channels * plan.columns; }
};

void multiply_low(const DirectWeightGradientWork& w, int pixels, bool add) {
  const int low = w.layer.low_channels, width = w.plan.staging.chunks.width;
  const std::ptrdiff_t columns = w.plan.columns;
  for (int phase = 0; phase < 4; ++phase)
    for (int a = 0; a < 2; ++a) {
      const int py = phase / 2, px = phase % 2;
      gemm<true>(2 * low, pixels / 2, {w.low + std::ptrdiff_t{(py + a) * (width / 2 + 2) + px} * low, low},
                 {w.output_gradient + std::ptrdiff_t{py * width + px} * columns, columns, 2 * columns},
                 w.sums + std::ptrdiff_t{2 * phase + a} * 2 * low * columns, columns, add);
    }
}

void multiply_skip(const DirectWeightGradientWork& w, int pixels, bool add) {
  const int skip = w.layer.skip_channels, width = w.plan.staging.chunks.width;
  const std::ptrdiff_t columns = w.plan.columns;
  for (int py = 0; py < 2; ++py)
    for (int ky = 0; ky < 3; ++ky)
      gemm<true>(3 * skip, pixels, {w.skip + std::ptrdiff_t{py + ky} * (width + 2) * skip, skip},
                 {w.output_gradient + std::ptrdiff_t{py} * width * columns, columns, columns},
                 w.skip_sums() + std::ptrdiff_t{ky} * 3 * skip * columns, columns, add || py > 0);
}

void add_bias(const DirectWeightGradientWork& w, bool add) {
  const int columns = w.plan.columns;
  float* bias = w.slice + std::ptrdiff_t{9} * w.plan.inputs * columns;
  for (int c = 0; c < columns; c += kLanes) {
    Vec sum = hn::Zero(kFloat);
    for (int i = 0; i < 2 * w.plan.staging.chunks.width; ++i)
      sum = hn::Add(sum, hn::Load(kFloat, w.output_gradient + std::ptrdiff_t{i} * columns + c));
    hn::Store(add ? hn::Add(sum, hn::Load(kFloat, bias + c)) : sum, kFloat, bias + c);
  }
}

// The four phases' 2x2 filters back to one 3x3 filter: every tap collects the phases that it was summed into.
void finish_low(const DirectWeightGradientWork& w, int tap, int channel) {
  const int columns = w.plan.columns, low = w.layer.low_channels;
  const auto half = [](int phase, int k) { return phase == 0 ? (k > 0 ? 1 : 0) : (k > 1 ? 1 : 0); };
  float* to = w.slice + (std::ptrdiff_t{tap} * w.plan.inputs + channel) * columns;
  for (int c = 0; c < columns; c += kLanes) {
    Vec sum = hn::Zero(kFloat);
    for (int phase = 0; phase < 4; ++phase) {
      const int a = half(phase / 2, tap / 3), b = half(phase % 2, tap % 3);
      const std::ptrdiff_t row = std::ptrdiff_t{(2 * phase + a) * 2 + b} * low + channel;
      sum = hn::Add(sum, hn::Load(kFloat, w.sums + row * columns + c));
    }
    hn::Store(sum, kFloat, to + c);
  }
}

void finish_slice(const DirectWeightGradientWork& w) {
  const int low = w.layer.low_channels, skip = w.layer.skip_channels;
  const std::ptrdiff_t columns = w.plan.columns;
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < low; ++c) finish_low(w, tap, c);
    std::copy_n(w.skip_sums() + std::ptrdiff_t{tap} * skip * columns, skip * columns,
                w.slice + (std::ptrdiff_t{tap} * w.plan.inputs + low) * columns);
  }
}

void weight_gradient_slice(const DirectWeightGradientWork& w, std::ptrdiff_t begin, std::ptrdiff_t end) {
  const int width = w.plan.staging.chunks.width, columns = w.plan.columns;
  std::fill_n(w.output_gradient, w.plan.output_gradient, 0.0F);  // lanes beyond C_out
  for (std::ptrdiff_t chunk = begin; chunk < end; ++chunk) {
    const Chunks::Place at = w.plan.staging.chunks[chunk];
    const auto& source = w.problem.source;
    if (source.low) stage(source.low.as<float>(), {at.n, at.y / 2 - 1, at.x / 2 - 1, 3, width / 2 + 2}, w.low);
    if (source.skip) stage(source.skip.as<float>(), {at.n, at.y - 1, at.x - 1, 4, width + 2}, w.skip);
    stage(w.problem.output_gradient, w.layer, {at.n, at.y, at.x, 2, width}, columns, w.output_gradient);
    const int pixels = std::min(width, (w.layer.width - at.x + 1) / 2 * 2);
    if (source.low) multiply_low(w, pixels, chunk > begin);
    if (source.skip) multiply_skip(w, pixels, chunk > begin);
    add_bias(w, chunk > begin);
  }
  finish_slice(w);
}

// One output channel: with the roles swapped, the channels of the source fill the vectors. Tap (ky, kx) is the sum over
// source pixels q of source(q) * output_gradient(q - (ky - 1, kx - 1)); the output gradient is staged with its border,
// [4][width + 2], and row r of each product stands for kx = 2 - r. Sums are [3][3][C].
void multiply_swapped(const DirectWeightGradientWork& w, Chunks::Place at, bool add) {
  const int skip = w.layer.skip_channels, width = w.plan.staging.chunks.width;
  stage(w.problem.source.skip.as<float>(), {at.n, at.y, at.x, 2, width}, w.skip);
  stage(w.problem.output_gradient, w.layer, {at.n, at.y - 1, at.x - 1, 4, width + 2}, 1, w.output_gradient);
  for (int py = 0; py < 2; ++py)
    for (int ky = 0; ky < 3; ++ky)
      gemm<true>(3, width, {w.output_gradient + (py + 2 - ky) * (width + 2), 1},
                 {w.skip + std::ptrdiff_t{py} * width * skip, skip, skip}, w.sums + 3 * ky * skip, skip, add || py > 0);
  float* bias = w.slice + std::ptrdiff_t{9} * skip * w.plan.columns;
  float sum = add ? *bias : 0.0F;
  for (int py = 1; py < 3; ++py)
    for (int x = 1; x <= width; ++x) sum += w.output_gradient[py * (width + 2) + x];
  *bias = sum;
}

void weight_gradient_slice_swapped(const DirectWeightGradientWork& w, std::ptrdiff_t begin, std::ptrdiff_t end) {
  const int skip = w.layer.skip_channels;
  for (std::ptrdiff_t chunk = begin; chunk < end; ++chunk)
    multiply_swapped(w, w.plan.staging.chunks[chunk], chunk > begin);
  for (int tap = 0; tap < 9; ++tap)
    for (int c = 0; c < skip; ++c)
      w.slice[(std::ptrdiff_t{tap} * skip + c) * w.plan.columns] = w.sums[(tap / 3 * 3 + 2 - tap % 3) * skip + c];
}

void direct_weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem,
                            const direct::WeightGradientPlan& plan, float* scratch, ThreadPool& pool) {
  float* slices = scratch + pool.threads() * plan.per_thread;
  pool.parallel_for(plan.slices, [&](std::ptrdiff_t slice, int thread) {
    float* skip = scratch + thread * plan.per_thread;
    float* low = skip + plan.staging.skip;
    float* output_gradient = low + plan.staging.low;
    const bool swapped = direct::is_dot_product(layer);
    (swapped ? weight_gradient_slice_swapped : weight_gradient_slice)(
        {layer, problem, plan, skip, low, output_gradient, output_gradient + plan.output_gradient,
         slices + slice * plan.per_slice},
        plan.slice_begin(slice), plan.slice_begin(slice + 1));
  });
  sum_slices({slices, plan.per_slice, plan.slices, plan.inputs, layer.out_channels}, problem, pool);
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(direct_weight_gradient);
namespace direct {

void weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem, ThreadPool& pool) {
  HWY_DYNAMIC_DISPATCH(direct_weight_gradient)
  (layer, problem, WeightGradientPlan(layer), floats(problem.scratch), pool);
}

}  // namespace direct
}  // namespace n2s
#endif
