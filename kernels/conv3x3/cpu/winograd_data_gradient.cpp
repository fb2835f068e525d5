// Data gradient by F(4x4, 3x3): the forward method on the output gradient with rotated filters. The low part gets
// the sum over doubled pixels directly from 25 of the 36 positions (winograd.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/winograd_data_gradient.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/read-inl.h"
#include "kernels/conv3x3/cpu/store-inl.h"
#include "kernels/conv3x3/cpu/winograd-inl.h"
#include "kernels/conv3x3/cpu/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using winograd::DataGradientPlan;
using winograd::Packed;
using winograd::PackedPairs;
using winograd::Tiling;
using winograd::Transformed;

struct DataGradientWork {
  const Conv3x3Layer& layer;
  const Conv3x3DataGradient& problem;
  const DataGradientPlan& plan;
  const float* packed;
  float *v, *low, *skip;  // scratch of this thread
  const float* zeros;
  bf16::Word* words;
};

HWY_NOINLINE void read_output_gradient(const DataGradientWork& w, Tiling::Place at, float* v) {
  OutputGradientWindow<6, 1> window;
  window.point(w.problem.output_gradient, at.n, at.y - 1, at.x - 1, w.zeros);
  for (int c = 0; c < w.layer.out_channels; c += kLanes)
    window.with_channels(c, w.layer.out_channels - c, [&](const auto& load) HWY_ATTR {
      transform_2d<InputTransform>(load, StorePositions{v + c, w.plan.v.step});
    });
}

/// Of one part: its packed weights, and where its products go.
struct Part {
  const Packed& weights;
  const float* packed;
  float* m;
  const Transformed& result;
};

void multiply_at(const DataGradientWork& w, const Part& part, int p, int tiles) {
  const auto index = static_cast<std::size_t>(p);
  gemm<false>(tiles, part.weights.depth[index], {w.v + p * w.plan.v.step, w.plan.v.stride},
              {part.packed + float_offset(part.weights, p, w.plan.in_bf16), part.weights.columns, kPacked},
              part.m + p * part.result.step, part.result.stride, false);
}

void multiply_in_bf16_at(const DataGradientWork& w, const Part& part, int p, int tiles) {
  const PackedPairs pairs(part.weights);
  const auto* words = reinterpret_cast<const bf16::Word*>(part.packed);
  const auto index = static_cast<std::size_t>(p);
  const int depth = part.weights.depth[index];
  const std::ptrdiff_t row = w.plan.v.stride / 2;
  bf16::pair_values(w.v + p * w.plan.v.step, w.plan.v.stride, tiles, depth, w.words, row);
  bf16::multiply(tiles, (depth + 1) / 2, {w.words, row, 1},
                 {words + pairs.offset[index], part.weights.columns, part.weights.columns},
                 part.m + p * part.result.step, part.result.stride, false);
}

void multiply(const DataGradientWork& w, const Part& part, int tiles) {
  for (int p = 0; p < winograd::kPositions; ++p) {
    if (part.weights.depth[static_cast<std::size_t>(p)] == 0) continue;
    if (w.plan.in_bf16 && p != winograd::kConstant)
      multiply_in_bf16_at(w, part, p, tiles);
    else
      multiply_at(w, part, p, tiles);
  }
}

HWY_NOINLINE void write_low(const DataGradientWork& w, Tiling::Place at, const float* m) {
  const int channels = w.layer.low_channels;
  for (int c = 0; c < channels; c += kLanes)
    transform_2d<LowOutputTransform>(LoadLowPositions{m + c, w.plan.low.step}, [&](int y, int x, Vec v) HWY_ATTR {
      store_gradient(w.problem.low, at.n, at.y / 2 + y, at.x / 2 + x, c, channels - c, v);
    });
}

HWY_NOINLINE void write_skip(const DataGradientWork& w, Tiling::Place at, const float* m) {
  const int channels = w.layer.skip_channels;
  for (int c = 0; c < channels; c += kLanes)
    transform_2d<OutputTransform>(LoadPositions{m + c, w.plan.skip.step}, [&](int y, int x, Vec v) HWY_ATTR {
      store_gradient(w.problem.skip, at.n, at.y + y, at.x + x, c, channels - c, v);
    });
}

void data_gradient_block(const DataGradientWork& w, std::ptrdiff_t begin, int tiles) {
  const DataGradientPlan& plan = w.plan;
  for (int t = 0; t < tiles; ++t) read_output_gradient(w, plan.tiles[begin + t], w.v + t * plan.v.stride);
  if (w.problem.low.gradient) {
    multiply(w, {plan.low_weights, w.packed, w.low, plan.low}, tiles);
    for (int t = 0; t < tiles; ++t) write_low(w, plan.tiles[begin + t], w.low + t * plan.low.stride);
  }
  if (w.problem.skip.gradient) {
    multiply(w, {plan.skip_weights, w.packed + packed_size(plan.low_weights, plan.in_bf16), w.skip, plan.skip}, tiles);
    for (int t = 0; t < tiles; ++t) write_skip(w, plan.tiles[begin + t], w.skip + t * plan.skip.stride);
  }
}

void winograd_data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem, const DataGradientPlan& plan,
                            const float* packed, float* scratch, ThreadPool& pool) {
  const std::ptrdiff_t blocks = (plan.tiles.count + plan.block - 1) / plan.block;
  pool.parallel_for(blocks, [&](std::ptrdiff_t block, int thread) {
    float* v = scratch + thread * plan.per_thread;
    float* low = v + plan.v.size();
    float* skip = low + plan.low.size();
    float* zeros = skip + plan.skip.size();
    std::fill_n(zeros, plan.zeros, 0.0F);
    const std::ptrdiff_t begin = block * plan.block;
    const auto tiles = static_cast<int>(std::min<std::ptrdiff_t>(plan.block, plan.tiles.count - begin));
    auto* words = reinterpret_cast<bf16::Word*>(zeros + plan.zeros);
    data_gradient_block({layer, problem, plan, packed, v, low, skip, zeros, words}, begin, tiles);
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(winograd_data_gradient);
namespace winograd {

void data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem, bool bf16, ThreadPool& pool) {
  const DataGradientPlan plan(layer, pool.threads(), bf16);
  HWY_DYNAMIC_DISPATCH(winograd_data_gradient)
  (layer, problem, plan, floats(problem.packed), floats(problem.scratch), pool);
}

}  // namespace winograd
}  // namespace n2s
#endif
