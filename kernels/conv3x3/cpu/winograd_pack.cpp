// Packs weights for the Winograd variant: G g G^T for every pair of channels, a vector of the product's columns at a
// time. Training repacks after every step, so this is vectorised too.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv3x3/cpu/winograd_pack.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/conv3x3/cpu/gemm-inl.h"
#include "kernels/conv3x3/cpu/winograd-inl.h"
#include "kernels/conv3x3/cpu/winograd.h"

#ifndef N2S_KERNELS_CONV3X3_CPU_WINOGRAD_PACK_ONCE
#define N2S_KERNELS_CONV3X3_CPU_WINOGRAD_PACK_ONCE
namespace n2s::winograd {

// One source part of a layer's filters, as rows (k) and columns (n) of the matrix products.
struct FilterPart {
  const float* weight;         // filter (0, 0) of the part
  std::ptrdiff_t row, column;  // floats to the next filter
  int rows, columns;           // filters
  bool rotated;                // by 180 degrees, for the data gradient
  bool low;                    // only the positions that see the low part
  int (*first_row)(int position, int low_channels);
  int low_channels;
};

}  // namespace n2s::winograd
#endif

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

using winograd::FilterPart;

// Filters (k, n ... n + kLanes - 1), tap by tap: taps[9][kLanes].
HWY_INLINE void gather_taps(const FilterPart& part, int k, int n, float* taps) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const float* filter = part.weight + k * part.row + (n + lane) * part.column;
    for (int tap = 0; tap < 9; ++tap)
      taps[tap * kLanes + lane] = n + lane < part.columns ? filter[part.rotated ? 8 - tap : tap] : 0.0F;
  }
}

void winograd_pack_vector(const FilterPart& part, const winograd::Packed& layout, int vector, float* packed) {
  const Panels panels(layout.columns, kLanes, kPanelVectors);
  const int panel = panels.of_vector(vector);
  const std::ptrdiff_t first = std::ptrdiff_t{panels.first(panel)} * kLanes;
  const std::ptrdiff_t width = std::ptrdiff_t{panels.width(panel)} * kLanes;
  for (int k = 0; k < part.rows; ++k) {
    HWY_ALIGN float taps[9 * kLanes];
    gather_taps(part, k, vector * kLanes, taps);
    const auto load = [&](int y, int x) HWY_ATTR { return hn::Load(kFloat, taps + (3 * y + x) * kLanes); };
    const auto store = [&](int y, int x, Vec v) HWY_ATTR {
      const int p = 6 * y + x;
      if (part.low && !winograd::sees_low(p)) return;
      const auto index = static_cast<std::size_t>(p);
      float* panel_begin = packed + layout.offset[index] + first * layout.depth[index];
      const std::ptrdiff_t row = part.first_row(p, part.low_channels) + k;
      hn::Store(divided<WeightTransform>(y, x, v), kFloat, panel_begin + row * width + vector * kLanes - first);
    };
    transform_2d<WeightTransform>(load, store);
  }
}

void winograd_pack(const FilterPart& part, const winograd::Packed& layout, float* packed, ThreadPool& pool) {
  if (part.columns == 0 || part.rows == 0) return;
  pool.parallel_for(layout.columns / kLanes, [&](std::ptrdiff_t vector, int) {
    winograd_pack_vector(part, layout, static_cast<int>(vector), packed);
  });
}

// The packed weights once more, as words of two rows.
void winograd_pair(const winograd::Packed& layout, float* packed, ThreadPool& pool) {
  const winograd::PackedPairs pairs(layout);
  const Panels panels(layout.columns, kLanes, kPanelVectors);
  auto* words = reinterpret_cast<bf16::Word*>(packed + layout.size());
  pool.parallel_for(winograd::kPositions, [&](std::ptrdiff_t position, int) {
    const auto p = static_cast<std::size_t>(position);
    for (int panel = 0; panel < panels.count; ++panel) {
      const std::ptrdiff_t first = std::ptrdiff_t{panels.first(panel)} * kLanes;
      const int width = panels.width(panel) * kLanes;
      bf16::pair_rows(packed + layout.offset[p] + first * layout.depth[p], width, layout.depth[p], width,
                      words + pairs.offset[p] + first, layout.columns);
    }
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(winograd_pack);
HWY_EXPORT(winograd_pair);
namespace winograd {
namespace {

int at_top(int, int) {
  return 0;
}
int after_low(int position, int low_channels) {
  return sees_low(position) ? low_channels : 0;
}

}  // namespace

void forward_pack(const Conv3x3Layer& l, const float* weight, float* packed, bool bf16, ThreadPool& pool) {
  const ForwardPlan plan(l, 1, bf16);
  const int inputs = l.low_channels + l.skip_channels;
  const FilterPart low{weight, 9, 9 * inputs, l.low_channels, l.out_channels, false, true, at_top, l.low_channels};
  const FilterPart skip{weight + 9 * l.low_channels,
                        9,
                        9 * inputs,
                        l.skip_channels,
                        l.out_channels,
                        false,
                        false,
                        after_low,
                        l.low_channels};
  HWY_DYNAMIC_DISPATCH(winograd_pack)(low, plan.weights, packed, pool);
  HWY_DYNAMIC_DISPATCH(winograd_pack)(skip, plan.weights, packed, pool);
  if (bf16) HWY_DYNAMIC_DISPATCH(winograd_pair)(plan.weights, packed, pool);
}

void data_gradient_pack(const Conv3x3Layer& l, const float* weight, float* packed, bool bf16, ThreadPool& pool) {
  const DataGradientPlan plan(l, 1, bf16);
  const int inputs = l.low_channels + l.skip_channels;
  const FilterPart low{weight, 9 * inputs, 9, l.out_channels, l.low_channels, true, true, at_top, 0};
  const FilterPart skip{
      weight + 9 * l.low_channels, 9 * inputs, 9, l.out_channels, l.skip_channels, true, false, at_top, 0};
  HWY_DYNAMIC_DISPATCH(winograd_pack)(low, plan.low_weights, packed, pool);
  float* packed_skip = packed + packed_size(plan.low_weights, bf16);
  HWY_DYNAMIC_DISPATCH(winograd_pack)(skip, plan.skip_weights, packed_skip, pool);
  if (!bf16) return;
  HWY_DYNAMIC_DISPATCH(winograd_pair)(plan.low_weights, packed, pool);
  HWY_DYNAMIC_DISPATCH(winograd_pair)(plan.skip_weights, packed_skip, pool);
}

}  // namespace winograd
}  // namespace n2s
#endif
