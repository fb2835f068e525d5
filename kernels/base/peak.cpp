// Measures the CPU's arithmetic ceiling. Highway compiles this file once per instruction set and picks one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/base/peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/base/peak.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

double multiply_add(std::int64_t rounds, float* sink) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> tag;
  const auto factor = hn::Set(tag, 0.999F);
  const auto addend = hn::Set(tag, 0.001F);
  // Ten independent chains cover the latency of two units of four or five cycles.
  auto a = hn::Set(tag, 1.0F), b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a;
  for (std::int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, addend);
    b = hn::MulAdd(b, factor, addend);
    c = hn::MulAdd(c, factor, addend);
    d = hn::MulAdd(d, factor, addend);
    e = hn::MulAdd(e, factor, addend);
    f = hn::MulAdd(f, factor, addend);
    g = hn::MulAdd(g, factor, addend);
    h = hn::MulAdd(h, factor, addend);
    i = hn::MulAdd(i, factor, addend);
    j = hn::MulAdd(j, factor, addend);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Add(hn::Add(e, f), hn::Add(g, hn::Add(h, i))));
  *sink = hn::GetLane(hn::Add(sum, j));
  return static_cast<double>(rounds) * 10 * 2 * static_cast<double>(hn::Lanes(tag));
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace n2s {

HWY_EXPORT(multiply_add);

double multiply_add_in_registers(std::int64_t rounds, float* sink) {
  return HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, sink);
}

}  // namespace n2s
#endif
