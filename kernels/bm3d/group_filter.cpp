// A group is count x 8 rows of 8 pixels; a vector is a row, or part of one. Operations come in the order that
// bm3d/cuda.cu has too, so that the results are equal bit for bit where there are fused multiply-adds.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bm3d/group_filter.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/bm3d/group_filter.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<float, 8>;
constexpr Lanes kRow;
constexpr int kRowLanes = static_cast<int>(hn::MaxLanes(kRow));
using Vec = hn::Vec<Lanes>;

void load_blocks(const PlaneView& plane, const BlockGroup& group, float* blocks) {
  for (int member = 0; member < group.count; ++member)
    for (int row = 0; row < kBlock; ++row)
      for (int x = 0; x < kBlock; x += kRowLanes)
        hn::Store(hn::LoadU(kRow, plane.data + group.offsets[member] + row * plane.stride + x), kRow,
                  blocks + std::ptrdiff_t{member} * kBlockSize + std::ptrdiff_t{row} * kBlock + x);
}

// M B M^T of each block. `matrix` is M, `columns` its transpose.
void transform_blocks(const float* matrix, const float* columns, int count, float* blocks, float* scratch) {
  for (int member = 0; member < count; ++member, blocks += kBlockSize) {
    for (int x = 0; x < kBlock; x += kRowLanes) {
      Vec in[kBlock];
      for (int k = 0; k < kBlock; ++k) in[k] = hn::Load(kRow, blocks + std::ptrdiff_t{k} * kBlock + x);
      for (int row = 0; row < kBlock; ++row) {
        const float* factors = matrix + std::ptrdiff_t{row} * kBlock;
        Vec sum = hn::Mul(hn::Set(kRow, factors[0]), in[0]);
        for (int k = 1; k < kBlock; ++k) sum = hn::MulAdd(hn::Set(kRow, factors[k]), in[k], sum);
        hn::Store(sum, kRow, scratch + std::ptrdiff_t{row} * kBlock + x);
      }
    }
    for (int x = 0; x < kBlock; x += kRowLanes) {
      Vec column[kBlock];
      for (int k = 0; k < kBlock; ++k) column[k] = hn::Load(kRow, columns + std::ptrdiff_t{k} * kBlock + x);
      for (int row = 0; row < kBlock; ++row) {
        const float* in = scratch + std::ptrdiff_t{row} * kBlock;
        Vec sum = hn::Mul(hn::Set(kRow, in[0]), column[0]);
        for (int k = 1; k < kBlock; ++k) sum = hn::MulAdd(hn::Set(kRow, in[k]), column[k], sum);
        hn::Store(sum, kRow, blocks + std::ptrdiff_t{row} * kBlock + x);
      }
    }
  }
}

// One step of the Haar transform across the blocks: block i and block i + distance become their mean and difference,
// times sqrt(2). It is its own inverse.
HWY_INLINE void haar_step(int count, int distance, float* blocks) {
  const Vec root = hn::Set(kRow, 0.70710678F);
  for (int i = 0; i < count; i += 2 * distance) {
    float* first = blocks + std::ptrdiff_t{i} * kBlockSize;
    float* second = first + std::ptrdiff_t{distance} * kBlockSize;
    for (int x = 0; x < kBlockSize; x += kRowLanes) {
      const Vec a = hn::Load(kRow, first + x), b = hn::Load(kRow, second + x);
      hn::Store(hn::Mul(hn::Add(a, b), root), kRow, first + x);
      hn::Store(hn::Mul(hn::Sub(a, b), root), kRow, second + x);
    }
  }
}

HWY_INLINE void haar_forward(int count, float* blocks) {
  for (int distance = 1; distance < count; distance *= 2) haar_step(count, distance, blocks);
}

HWY_INLINE void haar_inverse(int count, float* blocks) {
  for (int distance = count / 2; distance > 0; distance /= 2) haar_step(count, distance, blocks);
}

// Sets small coefficients to 0; the mean of the group stays. Returns the group's weight.
HWY_INLINE float threshold(int size, float limit, float* blocks) {
  const float mean = blocks[0];
  const Vec limits = hn::Set(kRow, limit);
  std::size_t left = std::abs(mean) >= limit ? 0 : 1;
  for (int x = 0; x < size; x += kRowLanes) {
    const Vec value = hn::Load(kRow, blocks + x);
    const auto is_signal = hn::Ge(hn::Abs(value), limits);
    left += hn::CountTrue(kRow, is_signal);
    hn::Store(hn::IfThenElseZero(is_signal, value), kRow, blocks + x);
  }
  blocks[0] = mean;
  return 1.0F / static_cast<float>(left);
}

// Multiplies by s^2 / (s^2 + noise variance), s from the guides; the mean of the group stays. Returns the group's
// weight.
HWY_INLINE float wiener(int size, float variance, const float* guides, float* blocks) {
  const hn::RebindToSigned<Lanes> integers;
  const Vec variances = hn::Set(kRow, variance), unit = hn::Set(kRow, kBm3dSquareUnit);
  const float mean = blocks[0];
  auto squares = hn::Zero(integers);
  for (int x = 0; x < size; x += kRowLanes) {
    const Vec guide = hn::Load(kRow, guides + x);
    const Vec power = hn::Mul(guide, guide);
    const Vec weight = hn::Div(power, hn::Add(power, variances));
    squares = hn::Add(squares, hn::NearestInt(hn::Mul(hn::Mul(weight, weight), unit)));
    hn::Store(hn::Mul(weight, hn::Load(kRow, blocks + x)), kRow, blocks + x);
  }
  blocks[0] = mean;
  const int sum = hn::GetLane(hn::SumOfLanes(integers, squares));
  return kBm3dSquareUnit / static_cast<float>(std::max(sum, static_cast<int>(kBm3dSquareUnit)));
}

// Adds a vector of integers to twice as wide ones.
HWY_INLINE void add_wide(hn::Vec<hn::RebindToSigned<Lanes>> v, std::int64_t* sums) {
#if HWY_TARGET == HWY_SCALAR
  *sums += hn::GetLane(v);
#else
  const hn::Half<hn::RebindToSigned<Lanes>> half;
  const hn::Repartition<std::int64_t, Lanes> wide;
  std::int64_t* upper = sums + kRowLanes / 2;
  hn::StoreU(hn::Add(hn::LoadU(wide, sums), hn::PromoteTo(wide, hn::LowerHalf(half, v))), wide, sums);
  hn::StoreU(hn::Add(hn::LoadU(wide, upper), hn::PromoteTo(wide, hn::UpperHalf(half, v))), wide, upper);
#endif
}

void add_blocks(const GroupFilter& f, const BlockGroup& group, float weight, Bm3dStrip& strip) {
  const Vec least = hn::Set(kRow, -kBm3dLimit), most = hn::Set(kRow, kBm3dLimit);
  const Vec scale = hn::Set(kRow, weight * kBm3dUnit);
  const std::ptrdiff_t begin = strip.first_row * strip.stride;
  for (int row = 0; row < kBlock; ++row)
    for (int x = 0; x < kBlock; x += kRowLanes) {
      const Vec weights = hn::Mul(hn::LoadU(kRow, f.setup.window.data() + std::ptrdiff_t{row} * kBlock + x), scale);
      const auto integers = hn::NearestInt(weights);
      for (int member = 0; member < group.count; ++member) {
        const std::ptrdiff_t at = group.offsets[member] - begin + row * strip.stride + x;
        const Vec value =
            hn::Load(kRow, f.blocks.get() + std::ptrdiff_t{member} * kBlockSize + std::ptrdiff_t{row} * kBlock + x);
        add_wide(integers, strip.weights.data() + at);
        add_wide(hn::NearestInt(hn::Mul(weights, hn::Min(hn::Max(value, least), most))), strip.values.data() + at);
      }
    }
}

void filter(GroupFilter& f, const BlockGroup& group, Bm3dStrip& strip) {
  const int size = group.count * kBlockSize;
  const float* forward = f.setup.transform.forward.data();
  const auto to_coefficients = [&](const PlaneView& plane, float* blocks) {
    load_blocks(plane, group, blocks);
    transform_blocks(forward, f.columns_forward.get(), group.count, blocks, f.scratch.get());
    haar_forward(group.count, blocks);
  };
  to_coefficients(f.noisy, f.blocks.get());
  float weight = 0;
  if (f.setup.is_wiener) {
    to_coefficients(f.guide, f.guides.get());
    weight = wiener(size, f.setup.limit, f.guides.get(), f.blocks.get());
  } else {
    weight = threshold(size, f.setup.limit, f.blocks.get());
  }
  haar_inverse(group.count, f.blocks.get());
  transform_blocks(f.setup.transform.inverse.data(), f.columns_inverse.get(), group.count, f.blocks.get(),
                   f.scratch.get());
  add_blocks(f, group, weight, strip);
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {
HWY_EXPORT(filter);
namespace {

AlignedFloats zeros(std::size_t count) {
  AlignedFloats floats = hwy::AllocateAligned<float>(count);
  std::fill_n(floats.get(), count, 0.0F);
  return floats;
}

AlignedFloats transposed(const std::vector<float>& matrix) {
  AlignedFloats result = zeros(kBlockSize);
  for (std::size_t i = 0; i < kBlock; ++i)
    for (std::size_t j = 0; j < kBlock; ++j) result[j * kBlock + i] = matrix[i * kBlock + j];
  return result;
}

}  // namespace

GroupFilter group_filter(const Bm3dStageSetup& setup, const PlaneView& noisy, const PlaneView& guide) {
  const std::size_t size = static_cast<std::size_t>(setup.search.most) * kBlockSize;
  return {setup,
          noisy,
          guide,
          transposed(setup.transform.forward),
          transposed(setup.transform.inverse),
          zeros(size),
          zeros(setup.is_wiener ? size : 1),
          zeros(kBlockSize)};
}

void filter_group(GroupFilter& f, const BlockGroup& group, Bm3dStrip& strip) {
  HWY_DYNAMIC_DISPATCH(filter)(f, group, strip);
}

}  // namespace n2s
#endif
