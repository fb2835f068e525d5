// Forward pass of the direct variant (direct.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/direct_forward.cpp"
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

struct DirectForwardWork {
  const Conv3x3Layer& layer;
  const Conv3x3Forward& problem;
  const direct::ForwardPlan& plan;
  const float* packed;
  float *skip, *low, *sums;  // scratch of this thread
};

// Sums of the pixels of one parity (all of a row when there is no low part), `pixels` of them.
void multiply_phase(const DirectForwardWork& w, int py, int px, int pixels) {
  const int low = w.layer.low_channels, skip = w.layer.skip_channels, width = w.plan.staging.chunks.width;
  const int step = low > 0 ? 2 : 1;
  const std::ptrdiff_t columns = w.plan.columns;
  const float* weights = w.packed + (low > 0 ? std::ptrdiff_t{2 * py + px} * w.plan.depth * columns : 0);
  float* c = w.sums + std::ptrdiff_t{py * width + px} * columns;
  for (int a = 0; low > 0 && a < 2; ++a, weights += 2 * low * columns)
    gemm<false>(pixels, 2 * low, {w.low + std::ptrdiff_t{(py + a) * (width / 2 + 2) + px} * low, low},
                {weights, columns, kPacked}, c, step * columns, a > 0);
  for (int ky = 0; skip > 0 && ky < 3; ++ky, weights += 3 * skip * columns)
    gemm<false>(pixels, 3 * skip, {w.skip + std::ptrdiff_t{(py + ky) * (width + 2) + px} * skip, step * skip},
                {weights, columns, kPacked}, c, step * columns, low > 0 || ky > 0);
}

// One output channel: each sum is a dot product of 3 x 3 * C values, four pixels at a time.
void multiply_dot(const DirectForwardWork& w, int py, int pixels) {
  const int skip = w.layer.skip_channels, width = w.plan.staging.chunks.width;
  for (int x = 0; x < pixels; x += 2) {
    Vec sum0 = hn::Zero(kFloat), sum1 = hn::Zero(kFloat);
    for (int ky = 0; ky < 3; ++ky) {
      const float* a = w.skip + std::ptrdiff_t{(py + ky) * (width + 2) + x} * skip;
      const float* b = w.packed + std::ptrdiff_t{3} * ky * skip;
      for (int k = 0; k < 3 * skip; k += kLanes) {
        const Vec weight = hn::Load(kFloat, b + k);
        sum0 = hn::MulAdd(hn::LoadU(kFloat, a + k), weight, sum0);
        sum1 = hn::MulAdd(hn::LoadU(kFloat, a + skip + k), weight, sum1);
      }
    }
    float* c = w.sums + std::ptrdiff_t{py * width + x} * w.plan.columns;
    hn::Store(hn::SumOfLanes(kFloat, sum0), kFloat, c);
    hn::Store(hn::SumOfLanes(kFloat, sum1), kFloat, c + w.plan.columns);
  }
}

void write_chunk(const DirectForwardWork& w, Chunks::Place at, int pixels) {
  const std::ptrdiff_t columns = w.plan.columns, row = w.plan.staging.chunks.width * columns;
  for (int x = 0; x < pixels; x += 2)
    for (int c = 0; c < w.layer.out_channels; c += kLanes) {
      const float* first = w.sums + x * columns + c;
      store_window(w.problem, w.layer, at.n, at.y, at.x + x, c, w.layer.out_channels - c,
                   {{hn::Load(kFloat, first), hn::Load(kFloat, first + columns), hn::Load(kFloat, first + row),
                     hn::Load(kFloat, first + row + columns)}});
    }
}

void forward_chunk(const DirectForwardWork& w, Chunks::Place at) {
  const int width = w.plan.staging.chunks.width;
  const auto& source = w.problem.source;
  if (source.low) stage(source.low.as<float>(), {at.n, at.y / 2 - 1, at.x / 2 - 1, 3, width / 2 + 2}, w.low);
  if (source.skip) stage(source.skip.as<float>(), {at.n, at.y - 1, at.x - 1, 4, width + 2}, w.skip);
  const int pixels = std::min(width, (w.layer.width - at.x + 1) / 2 * 2);
  for (int py = 0; py < 2; ++py) {
    if (direct::is_dot_product(w.layer)) {
      multiply_dot(w, py, pixels);
    } else if (source.low) {
      for (int px = 0; px < 2; ++px) multiply_phase(w, py, px, pixels / 2);
    } else {
      multiply_phase(w, py, 0, pixels);
    }
  }
  write_chunk(w, at, pixels);
}

void direct_forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, const direct::ForwardPlan& plan,
                    const float* packed, float* scratch, ThreadPool& pool) {
  pool.parallel_for(plan.staging.chunks.count, [&](std::ptrdiff_t chunk, int thread) {
    float* skip = scratch + thread * plan.per_thread;
    float* low = skip + plan.staging.skip;
    forward_chunk({layer, problem, plan, packed, skip, low, low + plan.staging.low}, plan.staging.chunks[chunk]);
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(direct_forward);
namespace direct {

void forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, ThreadPool& pool) {
  HWY_DYNAMIC_DISPATCH(direct_forward)
  (layer, problem, ForwardPlan(layer), floats(problem.packed), floats(problem.scratch), pool);
}

}  // namespace direct
}  // namespace n2s
#endif
