// Block matching on the CPU: for each shift, the distances of a whole row of reference blocks; those that beat a
// reference's farthest block so far go into its sorted list. Most do not, and cost a comparison in a vector of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/block_matching/cpu.cpp"
#include "kernels/base/simd_targets.h"  // before foreach_target.h

#include <hwy/foreach_target.h>

#include <algorithm>

#include "kernels/block_matching/block_matching.h"
#include "kernels/block_matching/distances-inl.h"
#include "kernels/block_matching/nearest_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace {

// References [first, end) whose distances lie `step` floats apart, that of the first at sums[0].
void take_nearer(const float* sums, int step, int first, int end, std::uint16_t shift, const NearestBlocks& nearest) {
  const hn::RebindToSigned<WindowLanes> integers;
  const auto offsets = hn::Mul(hn::Iota(integers, 0), hn::Set(integers, step));
  for (int reference = first; reference < end; reference += kWindowLanes) {
    const auto inside = hn::FirstN(kWindow, static_cast<std::size_t>(end - reference));
    const auto distance = hn::GatherIndex(kWindow, sums + std::ptrdiff_t{reference - first} * step, offsets);
    const auto nearer = hn::And(inside, hn::Lt(distance, hn::LoadU(kWindow, nearest.farthest + reference)));
    if (HWY_LIKELY(hn::AllFalse(kWindow, nearer))) continue;
    HWY_ALIGN float values[kWindowLanes];
    hn::Store(distance, kWindow, values);
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(kWindow, nearer, bits);
    for (int lane = 0; lane < kWindowLanes; ++lane)
      if ((bits[lane / 8] >> (lane % 8) & 1) != 0) nearest.insert(reference + lane, values[lane], shift);
  }
}

void match_row(const PlaneView& plane, const BlockSearch& search, const std::vector<Shift>& order, int row, float* sums,
               const NearestBlocks& nearest) {
  const int block = search.block, step = search.step;
  const int y = reference_at(row, plane.height, block, step), rightmost = plane.width - block;
  const int last = reference_count(plane.width, block, step) - 1;  // the last reference is not on the grid
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Shift shift = order[i];
    if (y + shift.y < 0 || y + shift.y + block > plane.height) continue;
    // References at x with 0 <= x + shift.x <= rightmost.
    const int first = shift.x < 0 ? (-shift.x + step - 1) / step : 0;
    const int end = rightmost < shift.x ? first : std::min(last, (rightmost - shift.x) / step + 1);
    const bool has_last = shift.x <= 0 && rightmost + shift.x >= 0;
    if (first >= end && !has_last) continue;
    const int begin = first < end ? first * step : rightmost;
    const int windows = (has_last ? rightmost : (end - 1) * step) - begin + 1;
    const float* a = plane.data + y * plane.stride + begin;
    column_sums<false>({a, a + shift.y * plane.stride + shift.x, plane.stride, block}, windows + block - 1, sums);
    window_sums(block, windows, sums);
    const auto number = static_cast<std::uint16_t>(i);
    if (first < end) take_nearer(sums, step, first, end, number, nearest);
    if (has_last && sums[windows - 1] < nearest.farthest[last]) nearest.insert(last, sums[windows - 1], number);
  }
}

}  // namespace
}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <tuple>

#include "kernels/base/error.h"

namespace n2s {
HWY_EXPORT(match_row);

std::vector<Shift> search_order(int reach) {
  std::vector<Shift> order;
  for (int y = -reach; y <= reach; ++y)
    for (int x = -reach; x <= reach; ++x) order.push_back({y, x});
  std::sort(order.begin(), order.end(), [](const Shift& a, const Shift& b) {
    return std::tuple(a.y * a.y + a.x * a.x, a.y, a.x) < std::tuple(b.y * b.y + b.x * b.x, b.y, b.x);
  });
  return order;
}

void match_blocks(const PlaneView& plane, const BlockSearch& search, const std::vector<Shift>& order, int row,
                  BlockGroups& groups, std::vector<float>& scratch) {
  if (plane.height < search.block || plane.width < search.block || search.most < 1 || search.most > kMostBlocks)
    throw Error("block matching: the sizes do not fit together");
  const auto references = static_cast<std::size_t>(reference_count(plane.width, search.block, search.step));
  const auto most = static_cast<std::size_t>(search.most);
  groups.counts.assign(references, 0);
  groups.members.resize(references * most);
  // take_nearer() reads whole vectors of distances, `step` apart.
  const std::size_t row_floats =
      static_cast<std::size_t>(std::ptrdiff_t{plane.width} + std::ptrdiff_t{kPlaneSlack} * (2 + search.step));
  scratch.resize(row_floats + (references + kPlaneSlack) + references * most);
  float* farthest = scratch.data() + row_floats;
  std::fill_n(farthest, references + kPlaneSlack, search.farthest);
  const NearestBlocks nearest{search.most, farthest + references + kPlaneSlack, farthest, groups.counts.data(),
                              groups.members.data()};
  HWY_DYNAMIC_DISPATCH(match_row)(plane, search, order, row, scratch.data(), nearest);
}

}  // namespace n2s
#endif
