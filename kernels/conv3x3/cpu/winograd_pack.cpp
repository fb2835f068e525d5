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

// store(position, row of the product, Vec) for every filter of a vector of columns.
template <typename Store>
HWY_INLINE void transform_filters(const FilterPart& part, int vector, const Store& store) {
  for (int k = 0; k < part.rows; ++k) {
    HWY_ALIGN float taps[9 * kLanes];
    gather_taps(part, k, vector * kLanes, taps);
    const auto load = [&](int y, int x) HWY_ATTR { return hn::Load(kFloat, taps + (3 * y + x) * kLanes); };
    transform_2d<WeightTransform>(load, [&](int y, int x, Vec v) HWY_ATTR {
      const int p = 6 * y + x;
      if (part.low && !winograd::sees_low(p)) return;
      store(p, part.first_row(p, part.low_channels) + k, divided<WeightTransform>(y, x, v));
    });
  }
}

// Where the panels of a product's columns hold a vector.
struct PanelPlace {
  PanelPlace(const winograd::Packed& layout, int vector) {
    const Panels panels(layout.columns, kLanes, kPanelVectors);
    const int panel = panels.of_vector(vector);
    first = std::ptrdiff_t{panels.first(panel)} * kLanes;
    width = std::ptrdiff_t{panels.width(panel)} * kLanes;
    column = vector * kLanes - first;
  }
  float* at(float* position, int depth, std::ptrdiff_t row) const {
    return position + first * depth + row * width + column;
  }
  std::ptrdiff_t first, width, column;
};

void winograd_pack_vector(const FilterPart& part, const winograd::Packed& layout, int vector, float* packed) {
  const PanelPlace place(layout, vector);
  transform_filters(part, vector, [&](int p, std::ptrdiff_t row, Vec v) HWY_ATTR {
    const auto index = static_cast<std::size_t>(p);
    hn::Store(v, kFloat, place.at(packed + layout.offset[index], layout.depth[index], row));
  });
}

// Rows come one by one: an even one begins a word, an odd one completes it.
void winograd_pack_pairs(const FilterPart& part, const winograd::Packed& layout, int vector, float* packed) {
  const hn::RebindToUnsigned<FloatLanes> words;
  const winograd::PackedPairs pairs(layout);
  const PanelPlace place(layout, vector);
  transform_filters(part, vector, [&](int p, std::ptrdiff_t row, Vec v) HWY_ATTR {
    const auto index = static_cast<std::size_t>(p);
    if (p == winograd::kConstant) return hn::Store(v, kFloat, place.at(packed, layout.depth[index], row));
    const auto bits = hn::BitCast(words, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
    const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFF)));  // to the nearest, ties to even
    auto* to = reinterpret_cast<bf16::Word*>(packed) + pairs.offset[index] + row / 2 * layout.columns + vector * kLanes;
    if (row % 2 == 0) return hn::StoreU(hn::ShiftRight<16>(rounded), words, to);
    hn::StoreU(hn::Or(hn::LoadU(words, to), hn::And(rounded, hn::Set(words, 0xFFFF0000U))), words, to);
  });
}

void winograd_pack(const FilterPart& part, const winograd::Packed& layout, float* packed, bool in_bf16,
                   ThreadPool& pool) {
  if (part.columns == 0 || part.rows == 0) return;
  pool.parallel_for(layout.columns / kLanes, [&](std::ptrdiff_t vector, int) {
    (in_bf16 ? winograd_pack_pairs : winograd_pack_vector)(part, layout, static_cast<int>(vector), packed);
  });
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(winograd_pack);
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
  HWY_DYNAMIC_DISPATCH(winograd_pack)(low, plan.weights, packed, bf16, pool);
  HWY_DYNAMIC_DISPATCH(winograd_pack)(skip, plan.weights, packed, bf16, pool);
}

void data_gradient_pack(const Conv3x3Layer& l, const float* weight, float* packed, bool bf16, ThreadPool& pool) {
  const DataGradientPlan plan(l, 1, bf16);
  const int inputs = l.low_channels + l.skip_channels;
  const FilterPart low{weight, 9 * inputs, 9, l.out_channels, l.low_channels, true, true, at_top, 0};
  const FilterPart skip{
      weight + 9 * l.low_channels, 9 * inputs, 9, l.out_channels, l.skip_channels, true, false, at_top, 0};
  float* packed_skip = packed + packed_size(plan.low_weights, bf16);
  HWY_DYNAMIC_DISPATCH(winograd_pack)(low, plan.low_weights, packed, bf16, pool);
  HWY_DYNAMIC_DISPATCH(winograd_pack)(skip, plan.skip_weights, packed_skip, bf16, pool);
}

}  // namespace winograd
}  // namespace n2s
#endif
