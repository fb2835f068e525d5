// Packs weights for the direct variant: one matrix for each filter row, in panels (panels.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/direct_pack.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include <utility>

#include "kernels/conv3x3/cpu/direct.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

// Floats of a vector and vectors of a panel.
std::pair<int, int> panel_shape() {
  return {kLanes, kPanelVectors};
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(panel_shape);
namespace direct {
namespace {

// Fills a matrix of depth rows; columns beyond `used` are zero.
template <typename Value>
void pack_matrix(int depth, int used, const Value& value, float* packed) {
  const auto [lanes, most] = HWY_DYNAMIC_DISPATCH(panel_shape)();
  const Panels panels(padded(used), lanes, most);
  for (int p = 0; p < panels.count; ++p)
    for (int k = 0; k < depth; ++k)
      for (int n = panels.first(p) * lanes; n < panels.first(p + 1) * lanes; ++n)
        *packed++ = n < used ? value(k, n) : 0.0F;
}

struct Taps {
  int first, last;
};

// Which of 3 filter rows (or columns) see the low pixel `tap` of 2, for output pixels of parity `phase`.
constexpr Taps low_taps(int phase, int tap) {
  if (phase == 0) return tap == 0 ? Taps{0, 0} : Taps{1, 2};
  return tap == 0 ? Taps{0, 1} : Taps{2, 2};
}

// Which of 3 filter rows meet output_gradient row `tap` of the 4 that the gradient of one low pixel sees.
constexpr Taps output_gradient_taps(int tap) {
  constexpr Taps kTaps[4] = {{2, 2}, {1, 2}, {0, 1}, {0, 0}};
  return kTaps[tap];
}

float sum_taps(const float* filter, Taps y, Taps x) {
  float sum = 0;
  for (int ky = y.first; ky <= y.last; ++ky)
    for (int kx = x.first; kx <= x.last; ++kx) sum += filter[3 * ky + kx];
  return sum;
}

}  // namespace

void forward_pack(const Conv3x3Layer& l, const float* weight, float* packed, ThreadPool& pool) {
  const ForwardPlan plan(l);
  const int low = l.low_channels, skip = l.skip_channels;
  const auto filter = [&](int out, int in) { return weight + (std::ptrdiff_t{out} * (low + skip) + in) * 9; };
  if (is_dot_product(l)) {  // not in panels: [3][3][C]
    for (int k = 0; k < 9 * skip; ++k) packed[k] = filter(0, k % skip)[k / skip];
    return;
  }
  pool.parallel_for(plan.phases, [&](std::ptrdiff_t index, int) {
    const auto phase = static_cast<int>(index);
    float* to = packed + index * plan.depth * plan.columns;
    for (int a = 0; low > 0 && a < 2; ++a, to += std::ptrdiff_t{2} * low * plan.columns)
      pack_matrix(
          2 * low, l.out_channels,
          [&](int k, int n) {
            return sum_taps(filter(n, k % low), low_taps(phase / 2, a), low_taps(phase % 2, k / low));
          },
          to);
    for (int ky = 0; skip > 0 && ky < 3; ++ky, to += std::ptrdiff_t{3} * skip * plan.columns)
      pack_matrix(
          3 * skip, l.out_channels, [&](int k, int n) { return filter(n, low + k % skip)[3 * ky + k / skip]; }, to);
  });
}

void data_gradient_pack(const Conv3x3Layer& l, const float* weight, float* packed, ThreadPool& pool) {
  const DataGradientPlan plan(l);
  const int low = l.low_channels, skip = l.skip_channels, out = l.out_channels;
  const auto filter = [&](int o, int in) { return weight + (std::ptrdiff_t{o} * (low + skip) + in) * 9; };
  pool.parallel_for(7, [&](std::ptrdiff_t index, int) {
    const auto row = static_cast<int>(index % 4);
    if (index < 4 && low > 0)
      pack_matrix(
          4 * out, low,
          [&](int k, int n) {
            return sum_taps(filter(k % out, n), output_gradient_taps(row), output_gradient_taps(k / out));
          },
          packed + std::ptrdiff_t{4} * row * out * plan.low_columns);
    if (index >= 4 && skip > 0)
      pack_matrix(
          3 * out, skip, [&](int k, int n) { return filter(k % out, low + n)[8 - (3 * row + k / out)]; },
          packed + plan.low_packed + std::ptrdiff_t{3} * row * out * plan.skip_columns);
  });
}

}  // namespace direct
}  // namespace n2s
#endif
