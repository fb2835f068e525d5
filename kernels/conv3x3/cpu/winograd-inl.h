// The transforms of F(4x4, 3x3), a vector of channels at a time; see winograd.h. Each is applied to columns, then rows.
#if defined(N2S_KERNELS_CONV3X3_CPU_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_WINOGRAD_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_WINOGRAD_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_WINOGRAD_INL_H_
#endif

#include "kernels/conv3x3/cpu/lanes-inl.h"
#include "kernels/conv3x3/cpu/winograd.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

HWY_INLINE Vec constant(float value) {
  return hn::Set(kFloat, value);
}

// B^T: 6 pixels -> 6 positions.
struct InputTransform {
  static constexpr int kIn = 6, kOut = 6;
  static HWY_INLINE void apply(const Vec* d, Vec* r) {
    const Vec four = constant(4), five = constant(5), two = constant(2);
    const Vec even = hn::NegMulAdd(four, d[2], d[4]), odd = hn::NegMulAdd(four, d[1], d[3]);
    const Vec even2 = hn::Sub(d[4], d[2]), odd2 = hn::Sub(d[3], d[1]);
    r[0] = hn::MulAdd(four, d[0], hn::NegMulAdd(five, d[2], d[4]));
    r[1] = hn::Add(even, odd);
    r[2] = hn::Sub(even, odd);
    r[3] = hn::MulAdd(two, odd2, even2);
    r[4] = hn::NegMulAdd(two, odd2, even2);
    r[5] = hn::MulAdd(four, d[1], hn::NegMulAdd(five, d[3], d[5]));
  }
};

// B^T for doubled pixels (a, b, b, c, c, d): 4 low-resolution pixels -> the positions 0, 1, 3, 4, 5; position 2 is
// zero.
struct LowInputTransform {
  static constexpr int kIn = 4, kOut = 5;
  static HWY_INLINE void apply(const Vec* d, Vec* r) {
    const Vec four = constant(4), five = constant(5);
    const Vec rise = hn::Sub(d[2], d[1]);
    r[0] = hn::MulAdd(four, d[0], hn::NegMulAdd(five, d[1], d[2]));
    r[1] = hn::NegMulAdd(constant(8), d[1], hn::Add(d[2], d[2]));
    r[2] = hn::Mul(constant(3), rise);
    r[3] = hn::Sub(d[1], d[2]);
    r[4] = hn::MulAdd(four, d[1], hn::NegMulAdd(five, d[2], d[3]));
  }
};

// A^T: 6 positions -> 4 pixels.
struct OutputTransform {
  static constexpr int kIn = 6, kOut = 4;
  static HWY_INLINE void apply(const Vec* m, Vec* y) {
    const Vec sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
    const Vec sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(sum1, sum2));
    y[1] = hn::MulAdd(constant(2), difference2, difference1);
    y[2] = hn::MulAdd(constant(4), sum2, sum1);
    y[3] = hn::Add(m[5], hn::MulAdd(constant(8), difference2, difference1));
  }
};

// Pairs of A^T's rows summed, for the gradient of doubled pixels: positions 0, 1, 3, 4, 5 -> 2 low-resolution pixels.
struct LowOutputTransform {
  static constexpr int kIn = 5, kOut = 2;
  static HWY_INLINE void apply(const Vec* m, Vec* y) {
    const Vec both = hn::MulSub(constant(3), m[2], m[3]);
    y[0] = hn::MulAdd(constant(2), m[1], hn::Add(m[0], both));
    y[1] = hn::MulAdd(constant(2), m[1], hn::MulAdd(constant(4), both, m[4]));
  }
};

// A: 4 pixels of the output gradient -> 6 positions, for the weight gradient.
struct OutputGradientTransform {
  static constexpr int kIn = 4, kOut = 6;
  static HWY_INLINE void apply(const Vec* y, Vec* r) {
    const Vec even = hn::Add(y[0], y[2]), odd = hn::Add(y[1], y[3]);
    const Vec even2 = hn::MulAdd(constant(4), y[2], y[0]), odd2 = hn::MulAdd(constant(4), y[3], y[1]);
    r[0] = y[0];
    r[1] = hn::Add(even, odd);
    r[2] = hn::Sub(even, odd);
    r[3] = hn::MulAdd(constant(2), odd2, even2);
    r[4] = hn::NegMulAdd(constant(2), odd2, even2);
    r[5] = y[3];
  }
};

// G: 3 taps -> 6 positions, times kDivisor; what has fractions is divided once, at the end, so that no rounding is
// carried on: filters of multiples of 576 stay exact, whatever the compiler contracts.
struct WeightTransform {
  static constexpr int kIn = 3, kOut = 6;
  static constexpr float kDivisor[6] = {4, -6, -6, 24, 24, 1};
  static HWY_INLINE void apply(const Vec* g, Vec* r) {
    const Vec ends = hn::Add(g[0], g[2]), ends2 = hn::MulAdd(constant(4), g[2], g[0]), middle2 = hn::Add(g[1], g[1]);
    r[0] = g[0];
    r[1] = hn::Add(ends, g[1]);
    r[2] = hn::Sub(ends, g[1]);
    r[3] = hn::Add(ends2, middle2);
    r[4] = hn::Sub(ends2, middle2);
    r[5] = g[2];
  }
};

// G^T: 6 positions -> 3 taps, times kDivisor: the end of the weight gradient.
struct WeightGradientTransform {
  static constexpr int kIn = 6, kOut = 3;
  static constexpr float kDivisor[3] = {24, 12, 6};
  static HWY_INLINE void apply(const Vec* m, Vec* g) {
    const Vec sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[2], m[1]);
    const Vec sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    const Vec six = constant(6);
    g[0] = hn::MulAdd(six, m[0], hn::NegMulAdd(constant(4), sum1, sum2));
    g[1] = hn::MulAdd(constant(2), difference1, difference2);
    g[2] = hn::MulAdd(six, m[5], hn::Sub(sum2, sum1));
  }
};

template <typename Transform>
HWY_INLINE Vec divided(int y, int x, Vec v) {
  return hn::Mul(v, constant(1 / (Transform::kDivisor[y] * Transform::kDivisor[x])));
}

// load(y, x) -> Vec for kIn x kIn values, store(y, x, Vec) for kOut x kOut results.
template <typename Transform, typename Load, typename Store>
HWY_INLINE void transform_2d(const Load& load, const Store& store) {
  constexpr int kIn = Transform::kIn, kOut = Transform::kOut;
  HWY_ALIGN float half[kOut * kIn * kLanes];
#pragma GCC unroll 6
  for (int x = 0; x < kIn; ++x) {
    Vec in[kIn], out[kOut];
#pragma GCC unroll 6
    for (int y = 0; y < kIn; ++y) in[y] = load(y, x);
    Transform::apply(in, out);
#pragma GCC unroll 6
    for (int y = 0; y < kOut; ++y) hn::Store(out[y], kFloat, half + (y * kIn + x) * kLanes);
  }
#pragma GCC unroll 6
  for (int y = 0; y < kOut; ++y) {
    Vec in[kIn], out[kOut];
#pragma GCC unroll 6
    for (int x = 0; x < kIn; ++x) in[x] = hn::Load(kFloat, half + (y * kIn + x) * kLanes);
    Transform::apply(in, out);
#pragma GCC unroll 6
    for (int x = 0; x < kOut; ++x) store(y, x, out[x]);
  }
}

// Row or column of the 6x6 positions that the i-th of the 5 low ones stands for.
constexpr int low_index(int i) {
  return i < 2 ? i : i + 1;
}

// Loads the positions of one tile and vector, `step` floats apart.
struct LoadPositions {
  const float* first;
  std::ptrdiff_t step;
  HWY_INLINE Vec operator()(int y, int x) const { return hn::Load(kFloat, first + (6 * y + x) * step); }
};
struct LoadLowPositions {
  const float* first;
  std::ptrdiff_t step;
  HWY_INLINE Vec operator()(int y, int x) const {
    return hn::Load(kFloat, first + (6 * low_index(y) + low_index(x)) * step);
  }
};
// Unaligned, since the skip part begins where the low part ends.
struct StorePositions {
  float* first;
  std::ptrdiff_t step;
  HWY_INLINE void operator()(int y, int x, Vec v) const { hn::StoreU(v, kFloat, first + (6 * y + x) * step); }
};
struct StoreLowPositions {
  float* first;
  std::ptrdiff_t step;
  HWY_INLINE void operator()(int y, int x, Vec v) const {
    hn::StoreU(v, kFloat, first + (6 * low_index(y) + low_index(x)) * step);
  }
};

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
