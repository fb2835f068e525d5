// What happens to a result on its way to memory: bias, activation, residual and pooling after the forward pass, the
// activation's derivative and accumulation after the data gradient. Both variants end here, a vector of channels at a
// time, so that nothing is written twice.
#if defined(N2S_KERNELS_CONV3X3_CPU_STORE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_STORE_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_STORE_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_STORE_INL_H_
#endif

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

// A 2x2 window of output pixels, value[2 * dy + dx], at even (y, x); some of them may be outside the image.
struct OutputWindow {
  Vec value[4];
};

HWY_INLINE Vec activate(Vec v, Vec slope) {
  return hn::IfThenElse(hn::Gt(v, hn::Zero(kFloat)), v, hn::Mul(v, slope));
}

// The first of equal values wins, as in the reference.
HWY_INLINE void store_pooled(const Conv3x3Forward& p, int n, int y, int x, int channel, int count,
                             const OutputWindow& window) {
  Vec best = window.value[0];
  IntVec where = hn::Zero(kInt);
#pragma GCC unroll 4
  for (int i = 1; i < 4; ++i) {
    const auto larger = hn::Gt(window.value[i], best);
    best = hn::IfThenElse(larger, window.value[i], best);
    where = hn::IfThenElse(hn::RebindMask(kInt, larger), hn::Set(kInt, i), where);
  }
  store_n(best, p.pooled.as<float>().pixel(n, y / 2, x / 2) + channel, count);
  if (p.argmax) store_bytes_n(where, p.argmax.as<std::uint8_t>().pixel(n, y / 2, x / 2) + channel, count);
}

// Finishes the sums of channels [channel, channel + count) of a window.
HWY_INLINE void store_window(const Conv3x3Forward& p, const Conv3x3Layer& layer, int n, int y, int x, int channel,
                             int count, OutputWindow window) {
  const Vec bias = p.bias ? load_n(p.bias.as<float>() + channel, count) : hn::Zero(kFloat);
  const Vec slope = hn::Set(kFloat, static_cast<float>(p.slope));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const int py = y + i / 2, px = x + i % 2;
    if (py >= layer.height || px >= layer.width) continue;
    Vec v = activate(hn::Add(window.value[i], bias), slope);
    if (p.residual) v = hn::Add(v, hn::Set(kFloat, p.residual.as<float>().pixel(n, py, px)[p.residual_channel]));
    window.value[i] = v;
    if (p.out) store_n(v, p.out.as<float>().pixel(n, py, px) + channel, count);
  }
  if (p.pooled) store_pooled(p, n, y, x, channel, count, window);
}

// One pixel of a data gradient.
HWY_INLINE void store_gradient(const ConvGradientTarget& target, int n, int y, int x, int channel, int count, Vec v) {
  if (y >= target.gradient.shape.height || x >= target.gradient.shape.width) return;
  if (target.activated) {
    const Vec activated = load_n(target.activated.as<float>().pixel(n, y, x) + channel, count);
    const auto rises = hn::Gt(activated, hn::Zero(kFloat));
    v = hn::IfThenElse(rises, v, hn::Mul(v, hn::Set(kFloat, static_cast<float>(target.slope))));
  }
  float* place = target.gradient.as<float>().pixel(n, y, x) + channel;
  if (target.accumulate) v = hn::Add(v, load_n(place, count));
  store_n(v, place, count);
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
