// The vector type of the convolution and loads and stores of channel tails: the last few channels of a pixel, where a
// whole vector would reach into the next pixel or past the end of the tensor. Compiled once per instruction set.
#if defined(N2S_KERNELS_CONV3X3_CPU_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_LANES_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_LANES_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatLanes = hn::CappedTag<float, 16>;
using IntLanes = hn::RebindToSigned<FloatLanes>;
using ByteLanes = hn::Rebind<std::uint8_t, FloatLanes>;
using Vec = hn::Vec<FloatLanes>;
using IntVec = hn::Vec<IntLanes>;

constexpr FloatLanes kFloat;
constexpr IntLanes kInt;
constexpr ByteLanes kByte;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(kFloat));

// The first min(count, kLanes) floats at p, zeros after them; reads nothing else.
HWY_INLINE Vec load_n(const float* p, int count) {
  if (HWY_LIKELY(count >= kLanes)) return hn::LoadU(kFloat, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float buffer[kLanes] = {};
  for (int i = 0; i < count; ++i) buffer[i] = p[i];
  return hn::Load(kFloat, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(kFloat, static_cast<std::size_t>(count)), kFloat, p);
#endif
}

HWY_INLINE void store_n(Vec v, float* p, int count) {
  if (HWY_LIKELY(count >= kLanes)) return hn::StoreU(v, kFloat, p);
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN float buffer[kLanes];
  hn::Store(v, kFloat, buffer);
  for (int i = 0; i < count; ++i) p[i] = buffer[i];
#else
  hn::BlendedStore(v, hn::FirstN(kFloat, static_cast<std::size_t>(count)), kFloat, p);
#endif
}

// Bytes widened to one integer per lane.
HWY_INLINE IntVec load_bytes_n(const std::uint8_t* p, int count) {
  if (HWY_LIKELY(count >= kLanes)) return hn::PromoteTo(kInt, hn::LoadU(kByte, p));
  HWY_ALIGN std::uint8_t buffer[16] = {};
  for (int i = 0; i < count; ++i) buffer[i] = p[i];
  return hn::PromoteTo(kInt, hn::LoadU(kByte, buffer));
}

HWY_INLINE void store_bytes_n(IntVec v, std::uint8_t* p, int count) {
  const auto bytes = hn::DemoteTo(kByte, v);
  if (HWY_LIKELY(count >= kLanes)) return hn::StoreU(bytes, kByte, p);
  HWY_ALIGN std::uint8_t buffer[16];
  hn::StoreU(bytes, kByte, buffer);
  for (int i = 0; i < count; ++i) p[i] = buffer[i];
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
