// Squared differences between a plane and the same plane shifted, summed over windows: what block matching and
// non-local means spend their time on. A shift is worked on for a whole row of windows at once, so windows that overlap
// share the sums of their columns. Compiled once per instruction set.
#if defined(N2S_KERNELS_BLOCK_MATCHING_DISTANCES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_BLOCK_MATCHING_DISTANCES_INL_H_
#undef N2S_KERNELS_BLOCK_MATCHING_DISTANCES_INL_H_
#else
#define N2S_KERNELS_BLOCK_MATCHING_DISTANCES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using WindowLanes = hn::CappedTag<float, 16>;
constexpr WindowLanes kWindow;
constexpr int kWindowLanes = static_cast<int>(hn::MaxLanes(kWindow));

// Rows of a plane: `a` and `b` are the first of `rows`, `stride` floats apart.
struct RowPair {
  const float *a, *b;
  std::ptrdiff_t stride;
  int rows;
};

// sums[x] (+)= sum over the rows of (a[x] - b[x])^2 for x in [0, count); may write a vector's length further.
template <bool kAdd>
HWY_INLINE void column_sums(const RowPair& p, int count, float* sums) {
  for (int x = 0; x < count; x += kWindowLanes) {
    auto sum = kAdd ? hn::LoadU(kWindow, sums + x) : hn::Zero(kWindow);
    for (int row = 0; row < p.rows; ++row) {
      const auto difference =
          hn::Sub(hn::LoadU(kWindow, p.a + row * p.stride + x), hn::LoadU(kWindow, p.b + row * p.stride + x));
      sum = hn::MulAdd(difference, difference, sum);
    }
    hn::StoreU(sum, kWindow, sums + x);
  }
}

// sums[x] = sums[x] + ... + sums[x + window - 1], in place: by sums of 1, 2, 4 ... neighbours, the smallest part of the
// window last. Reads up to window + a vector's length further.
HWY_INLINE void window_sums(int window, int count, float* sums) {
  for (int x = 0; x < count; x += kWindowLanes) {
    // Vectors behind x are still sums of single columns; those of pairs and fours are made again for each vector.
    const auto pair = [&](int at) { return hn::Add(hn::LoadU(kWindow, sums + at), hn::LoadU(kWindow, sums + at + 1)); };
    const auto four = [&](int at) { return hn::Add(pair(at), pair(at + 2)); };
    auto sum = hn::Zero(kWindow);
    int at = x;
    for (; at + 8 <= x + window; at += 8) sum = hn::Add(sum, hn::Add(four(at), four(at + 4)));
    if (at + 4 <= x + window) sum = hn::Add(sum, four(at)), at += 4;
    if (at + 2 <= x + window) sum = hn::Add(sum, pair(at)), at += 2;
    if (at < x + window) sum = hn::Add(sum, hn::LoadU(kWindow, sums + at));
    hn::StoreU(sum, kWindow, sums + x);
  }
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
