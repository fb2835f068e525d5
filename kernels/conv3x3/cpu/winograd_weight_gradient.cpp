// Weight gradient by F(4x4, 3x3): dW = G^T [sum over tiles of (B^T d B) . (A dY A^T)] G, a matrix product at each
// position whose depth is the number of tiles. Slices of tiles are reduced in a fixed order (winograd.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/winograd_weight_gradient.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/read-inl.h"
#include "kernels/conv3x3/cpu/slices-inl.h"
#include "kernels/conv3x3/cpu/winograd-inl.h"
#include "kernels/conv3x3/cpu/winograd.h"
#include "kernels/conv3x3/cpu/winograd_source-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using winograd::Tiling;
using winograd::WeightGradientPlan;

struct WeightGradientWork {
  const Conv3x3Layer& layer;
  const Conv3x3WeightGradient& problem;
  const WeightGradientPlan& plan;
  float *v, *w, *sums;  // scratch of this thread
  const float* zeros;
  bf16::Word* words;
  float* slice;  // results of the current slice
};

HWY_NOINLINE void read_output_gradient(const WeightGradientWork& w, Tiling::Place at, float* out) {
  OutputGradientWindow<4, 0> window;
  window.point(w.problem.output_gradient, at.n, at.y, at.x, w.zeros);
  for (int c = 0; c < w.layer.out_channels; c += kLanes)
    window.with_channels(c, w.layer.out_channels - c, [&](const auto& load) HWY_ATTR {
      transform_2d<OutputGradientTransform>(load, StorePositions{out + c, w.plan.w.step});
    });
}

void multiply_at(const WeightGradientWork& w, int p, int tiles, bool add) {
  const std::ptrdiff_t columns = w.plan.sums.columns;
  const auto index = static_cast<std::size_t>(p);
  const int first = winograd::sees_low(p) ? 0 : w.layer.low_channels;
  gemm<true>(w.plan.sums.depth[index], tiles, {w.v + p * w.plan.v.step + first, w.plan.v.stride},
             {w.w + p * w.plan.w.step, columns, columns}, w.sums + w.plan.sums.offset[index], columns, add);
}

void multiply_in_bf16_at(const WeightGradientWork& w, int p, int tiles, bool add) {
  const std::ptrdiff_t columns = w.plan.sums.columns;
  const auto index = static_cast<std::size_t>(p);
  const int first = winograd::sees_low(p) ? 0 : w.layer.low_channels;
  const int depth = w.plan.sums.depth[index];
  bf16::Word* v = w.words;
  bf16::Word* gradient = v + WeightGradientPlan::kBlock / 2 * w.plan.v.stride;
  bf16::pair_rows(w.v + p * w.plan.v.step + first, w.plan.v.stride, tiles, depth, v, w.plan.v.stride);
  bf16::pair_rows(w.w + p * w.plan.w.step, columns, tiles, static_cast<int>(columns), gradient, columns);
  bf16::multiply(depth, (tiles + 1) / 2, {v, 1, w.plan.v.stride}, {gradient, columns, columns},
                 w.sums + w.plan.sums.offset[index], columns, add);
}

void multiply(const WeightGradientWork& w, int tiles, bool add) {
  for (int p = 0; p < winograd::kPositions; ++p)
    if (w.plan.in_bf16 && p != winograd::kConstant)
      multiply_in_bf16_at(w, p, tiles, add);
    else
      multiply_at(w, p, tiles, add);
}

// Position (1, 1) of A dY A^T is the sum over the tile.
void add_bias(const WeightGradientWork& w, int tiles, bool add) {
  const int columns = w.plan.sums.columns;
  float* bias = w.slice + std::ptrdiff_t{9} * w.plan.inputs * columns;
  for (int c = 0; c < columns; c += kLanes) {
    Vec sum = hn::Zero(kFloat);
    for (int t = 0; t < tiles; ++t)
      sum = hn::Add(sum, hn::Load(kFloat, w.w + 7 * w.plan.w.step + t * w.plan.w.stride + c));
    hn::Store(add ? hn::Add(sum, hn::Load(kFloat, bias + c)) : sum, kFloat, bias + c);
  }
}

// The slice's sums at 36 positions -> [9][inputs][columns].
template <bool kLow>
void finish_channel(const WeightGradientWork& w, int channel) {
  const std::ptrdiff_t columns = w.plan.sums.columns;
  for (std::ptrdiff_t c = 0; c < columns; c += kLanes) {
    const auto load = [&](int y, int x) HWY_ATTR {
      const int p = 6 * y + x;
      if (!winograd::sees_low(p) && kLow) return hn::Zero(kFloat);
      const int row = channel - (winograd::sees_low(p) ? 0 : w.layer.low_channels);
      return hn::Load(kFloat, w.sums + w.plan.sums.offset[static_cast<std::size_t>(p)] + row * columns + c);
    };
    const auto store = [&](int y, int x, Vec v) HWY_ATTR {
      hn::Store(divided<WeightGradientTransform>(y, x, v), kFloat,
                w.slice + (std::ptrdiff_t{3 * y + x} * w.plan.inputs + channel) * columns + c);
    };
    transform_2d<WeightGradientTransform>(load, store);
  }
}

void weight_gradient_slice(const WeightGradientWork& w, std::ptrdiff_t begin, std::ptrdiff_t end) {
  for (std::ptrdiff_t first = begin; first < end; first += WeightGradientPlan::kBlock) {
    const auto tiles = static_cast<int>(std::min<std::ptrdiff_t>(WeightGradientPlan::kBlock, end - first));
    for (int t = 0; t < tiles; ++t)
      transform_source(w.problem.source, w.plan.tiles[first + t], w.zeros, w.v + t * w.plan.v.stride, w.plan.v.step);
    for (int t = 0; t < tiles; ++t) read_output_gradient(w, w.plan.tiles[first + t], w.w + t * w.plan.w.stride);
    multiply(w, tiles, first > begin);
    add_bias(w, tiles, first > begin);
  }
  for (int c = 0; c < w.layer.low_channels; ++c) finish_channel<true>(w, c);
  for (int c = w.layer.low_channels; c < w.plan.inputs; ++c) finish_channel<false>(w, c);
}

void winograd_weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem,
                              const WeightGradientPlan& plan, float* scratch, ThreadPool& pool) {
  float* slices = scratch + pool.threads() * plan.per_thread;
  pool.parallel_for(plan.slices, [&](std::ptrdiff_t slice, int thread) {
    float* v = scratch + thread * plan.per_thread;
    float* w = v + plan.v.size();
    float* sums = w + plan.w.size();
    float* zeros = sums + plan.sums.size();
    std::fill_n(zeros, plan.zeros, 0.0F);
    auto* words = reinterpret_cast<bf16::Word*>(zeros + plan.zeros);
    weight_gradient_slice({layer, problem, plan, v, w, sums, zeros, words, slices + slice * plan.per_slice},
                          plan.slice_begin(slice), plan.slice_begin(slice + 1));
  });
  sum_slices({slices, plan.per_slice, plan.slices, plan.inputs, layer.out_channels}, problem, pool);
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(winograd_weight_gradient);
namespace winograd {

void weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem, bool bf16, ThreadPool& pool) {
  const WeightGradientPlan plan(layer, bf16);
  HWY_DYNAMIC_DISPATCH(winograd_weight_gradient)(layer, problem, plan, floats(problem.scratch), pool);
}

}  // namespace winograd
}  // namespace n2s
#endif
