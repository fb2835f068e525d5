// Forward pass by F(4x4, 3x3): blocks of tiles are transformed, multiplied at 36 positions and transformed back, each
// block within one thread's L2 cache. The method is described in winograd.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/winograd_forward.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/store-inl.h"
#include "kernels/conv3x3/cpu/winograd-inl.h"
#include "kernels/conv3x3/cpu/winograd.h"
#include "kernels/conv3x3/cpu/winograd_source-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using winograd::ForwardPlan;
using winograd::PackedPairs;
using winograd::Tiling;

struct ForwardWork {
  const Conv3x3Layer& layer;
  const Conv3x3Forward& problem;
  const ForwardPlan& plan;
  const float* packed;
  float *v, *m;  // scratch of this thread
  bf16::Word* words;
};

void multiply_at(const ForwardWork& w, int p, int tiles) {
  const auto index = static_cast<std::size_t>(p);
  const int first = winograd::sees_low(p) ? 0 : w.layer.low_channels;
  const MatrixA a{w.v + p * w.plan.v.step + first, w.plan.v.stride};
  const MatrixB b{w.packed + float_offset(w.plan.weights, p, w.plan.in_bf16), w.plan.weights.columns, kPacked};
  gemm<false>(tiles, w.plan.weights.depth[index], a, b, w.m + p * w.plan.m.step, w.plan.m.stride, false);
}

void multiply_in_bf16_at(const ForwardWork& w, int p, int tiles) {
  const PackedPairs pairs(w.plan.weights);
  const auto* packed = reinterpret_cast<const bf16::Word*>(w.packed);
  const auto index = static_cast<std::size_t>(p);
  const int first = winograd::sees_low(p) ? 0 : w.layer.low_channels;
  const int depth = w.plan.weights.depth[index];
  const std::ptrdiff_t row = w.plan.v.stride / 2;
  bf16::pair_values(w.v + p * w.plan.v.step + first, w.plan.v.stride, tiles, depth, w.words, row);
  bf16::multiply(tiles, (depth + 1) / 2, {w.words, row, 1},
                 {packed + pairs.offset[index], w.plan.weights.columns, w.plan.weights.columns},
                 w.m + p * w.plan.m.step, w.plan.m.stride, false);
}

void multiply(const ForwardWork& w, int tiles) {
  for (int p = 0; p < winograd::kPositions; ++p)
    if (w.plan.in_bf16 && p != winograd::kConstant)
      multiply_in_bf16_at(w, p, tiles);
    else
      multiply_at(w, p, tiles);
}

HWY_NOINLINE void write_tile(const ForwardWork& w, Tiling::Place at, const float* m) {
  for (int c = 0; c < w.layer.out_channels; c += kLanes) {
    HWY_ALIGN float pixels[16 * kLanes];
    transform_2d<OutputTransform>(LoadPositions{m + c, w.plan.m.step}, [&](int y, int x, Vec v) HWY_ATTR {
      hn::Store(v, kFloat, pixels + (4 * y + x) * kLanes);
    });
    for (int window = 0; window < 4; ++window) {
      const int y = window / 2 * 2, x = window % 2 * 2;
      if (at.y + y >= w.layer.height || at.x + x >= w.layer.width) continue;
      const float* first = pixels + (4 * y + x) * kLanes;
      store_window(w.problem, w.layer, at.n, at.y + y, at.x + x, c, w.layer.out_channels - c,
                   {{hn::Load(kFloat, first), hn::Load(kFloat, first + kLanes), hn::Load(kFloat, first + 4 * kLanes),
                     hn::Load(kFloat, first + 5 * kLanes)}});
    }
  }
}

void winograd_forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, const ForwardPlan& plan,
                      const float* packed, float* scratch, ThreadPool& pool) {
  const std::ptrdiff_t blocks = (plan.tiles.count + plan.block - 1) / plan.block;
  pool.parallel_for(blocks, [&](std::ptrdiff_t block, int thread) {
    float* mine = scratch + thread * plan.per_thread;
    float* zeros = mine + plan.v.size() + plan.m.size();
    std::fill_n(zeros, plan.zeros, 0.0F);
    auto* words = reinterpret_cast<bf16::Word*>(zeros + plan.zeros);
    const ForwardWork work{layer, problem, plan, packed, mine, mine + plan.v.size(), words};
    const std::ptrdiff_t begin = block * plan.block;
    const auto tiles = static_cast<int>(std::min<std::ptrdiff_t>(plan.block, plan.tiles.count - begin));
    for (int t = 0; t < tiles; ++t)
      transform_source(problem.source, plan.tiles[begin + t], zeros, work.v + t * plan.v.stride, plan.v.step);
    multiply(work, tiles);
    for (int t = 0; t < tiles; ++t) write_tile(work, plan.tiles[begin + t], work.m + t * plan.m.stride);
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(winograd_forward);
namespace winograd {

void forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, bool bf16, ThreadPool& pool) {
  const ForwardPlan plan(layer, pool.threads(), bf16);
  HWY_DYNAMIC_DISPATCH(winograd_forward)(layer, problem, plan, floats(problem.packed), floats(problem.scratch), pool);
}

}  // namespace winograd
}  // namespace n2s
#endif
