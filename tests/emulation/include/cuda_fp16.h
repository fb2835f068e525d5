// CUDA's half-precision numbers on the CPU: conversions round to nearest even, arithmetic as if with one rounding.
#pragma once

#include <bit>
#include <cstdint>

#include "cuda_runtime.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

namespace n2s::emulation::detail {

/// Bits of a half from a float's: subnormals, infinities and NaN (0x7FFF, as hardware gives) included.
inline std::uint16_t half_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t size = bits & 0x7FFFFFFFU;
  std::uint32_t result = 0;
  if (size > 0x7F800000U) return 0x7FFF;
  if (size >= 0x47800000U) {  // 65536 and more
    result = 0x7C00;
  } else if (size < 0x38800000U) {  // subnormal: the addition does the rounding
    result = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F) - std::bit_cast<std::uint32_t>(0.5F);
  } else {
    result = (size - 0x38000000U + 0xFFFU + (size >> 13 & 1U)) >> 13;
  }
  return static_cast<std::uint16_t>(result | sign);
}

inline float half_value(std::uint16_t bits) {
  const std::uint32_t size = bits & 0x7FFFU;
  const std::uint32_t sign = std::uint32_t{bits} << 16 & 0x80000000U;
  // The multiplication moves the exponent to where float has it, and normalises subnormals.
  std::uint32_t result = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size << 13) * 0x1p112F);
  if (size >= 0x7C00U) result = size << 13 | 0x7F800000U;
  return std::bit_cast<float>(result | sign);
}

}  // namespace n2s::emulation::detail

struct __half_raw {
  unsigned short x;
};

struct __half {
  __half() = default;
  explicit __half(float value) : bits_(n2s::emulation::detail::half_bits(value)) {}
  explicit __half(double value) : __half(static_cast<float>(value)) {}
  explicit __half(int value) : __half(static_cast<float>(value)) {}
  __half(__half_raw raw) : bits_(raw.x) {}                                      // NOLINT: as in CUDA
  operator float() const { return n2s::emulation::detail::half_value(bits_); }  // NOLINT: as in CUDA
  operator __half_raw() const { return {bits_}; }                               // NOLINT: as in CUDA

 private:
  unsigned short bits_;
};

struct alignas(4) __half2 {
  __half x, y;
  __half2() = default;
  __half2(__half low, __half high) : x(low), y(high) {}
};

using half = __half;
using half2 = __half2;

inline __half __ushort_as_half(unsigned short bits) {
  return __half_raw{bits};
}
inline unsigned short __half_as_ushort(__half v) {
  return __half_raw(v).x;
}
inline __half __short_as_half(short bits) {
  return __half_raw{static_cast<unsigned short>(bits)};
}
inline short __half_as_short(__half v) {
  return static_cast<short>(__half_as_ushort(v));
}
inline __half __float2half(float v) {
  return __half(v);
}
inline __half __float2half_rn(float v) {
  return __half(v);
}
inline float __half2float(__half v) {
  return v;
}
inline __half __int2half_rn(int v) {
  return __half(v);
}
inline __half2 __floats2half2_rn(float low, float high) {
  return {__half(low), __half(high)};
}
inline __half2 __float22half2_rn(float2 v) {
  return {__half(v.x), __half(v.y)};
}
inline __half2 __float2half2_rn(float v) {
  return {__half(v), __half(v)};
}
inline float2 __half22float2(__half2 v) {
  return {v.x, v.y};
}
inline float __low2float(__half2 v) {
  return v.x;
}
inline float __high2float(__half2 v) {
  return v.y;
}
inline __half __low2half(__half2 v) {
  return v.x;
}
inline __half __high2half(__half2 v) {
  return v.y;
}
inline __half2 __halves2half2(__half low, __half high) {
  return {low, high};
}
inline __half2 __half2half2(__half v) {
  return {v, v};
}
inline __half2 make_half2(__half low, __half high) {
  return {low, high};
}

// A float holds sums and products of two halves well enough that rounding twice does not show.
inline __half __hadd(__half a, __half b) {
  return __half(float(a) + float(b));
}
inline __half __hsub(__half a, __half b) {
  return __half(float(a) - float(b));
}
inline __half __hmul(__half a, __half b) {
  return __half(float(a) * float(b));
}
inline __half __hdiv(__half a, __half b) {
  return __half(float(a) / float(b));
}
inline __half __hfma(__half a, __half b, __half c) {
  return __half(fmaf(a, b, c));
}
inline __half __hneg(__half v) {
  return __ushort_as_half(static_cast<unsigned short>(__half_as_ushort(v) ^ 0x8000U));
}
inline __half __habs(__half v) {
  return __ushort_as_half(static_cast<unsigned short>(__half_as_ushort(v) & 0x7FFFU));
}
inline __half __hmax(__half a, __half b) {
  return __half(fmaxf(a, b));
}
inline __half __hmin(__half a, __half b) {
  return __half(fminf(a, b));
}
inline bool __hgt(__half a, __half b) {
  return float(a) > float(b);
}
inline bool __hge(__half a, __half b) {
  return float(a) >= float(b);
}
inline bool __hlt(__half a, __half b) {
  return float(a) < float(b);
}
inline bool __hle(__half a, __half b) {
  return float(a) <= float(b);
}
inline bool __heq(__half a, __half b) {
  return float(a) == float(b);
}
inline bool __hne(__half a, __half b) {
  return float(a) != float(b);
}
inline bool __hisnan(__half v) {
  return (__half_as_ushort(v) & 0x7FFFU) > 0x7C00U;
}
inline int __hisinf(__half v) {
  const unsigned bits = __half_as_ushort(v);
  return bits == 0x7C00U ? 1 : bits == 0xFC00U ? -1 : 0;
}
inline __half2 __hadd2(__half2 a, __half2 b) {
  return {__hadd(a.x, b.x), __hadd(a.y, b.y)};
}
inline __half2 __hsub2(__half2 a, __half2 b) {
  return {__hsub(a.x, b.x), __hsub(a.y, b.y)};
}
inline __half2 __hmul2(__half2 a, __half2 b) {
  return {__hmul(a.x, b.x), __hmul(a.y, b.y)};
}
inline __half2 __hfma2(__half2 a, __half2 b, __half2 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
inline __half2 __hmax2(__half2 a, __half2 b) {
  return {__hmax(a.x, b.x), __hmax(a.y, b.y)};
}
inline __half2 __hmin2(__half2 a, __half2 b) {
  return {__hmin(a.x, b.x), __hmin(a.y, b.y)};
}

inline __half operator+(__half a, __half b) {
  return __hadd(a, b);
}
inline __half operator-(__half a, __half b) {
  return __hsub(a, b);
}
inline __half operator*(__half a, __half b) {
  return __hmul(a, b);
}
inline __half operator/(__half a, __half b) {
  return __hdiv(a, b);
}
inline __half operator-(__half v) {
  return __hneg(v);
}
inline bool operator==(__half a, __half b) {
  return __heq(a, b);
}
inline bool operator<(__half a, __half b) {
  return __hlt(a, b);
}
inline bool operator>(__half a, __half b) {
  return __hgt(a, b);
}
inline bool operator<=(__half a, __half b) {
  return __hle(a, b);
}
inline bool operator>=(__half a, __half b) {
  return __hge(a, b);
}

// NOLINTEND(readability-identifier-naming)
