// CUDA's arithmetic built-in functions: bits, integers, conversions and floating point. Part of device_functions.h.
#pragma once

#include <math.h>

#include <bit>
#include <cstdint>
#include <limits>

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

// Bits

inline int __popc(unsigned v) {
  return std::popcount(v);
}
inline int __popcll(unsigned long long v) {
  return std::popcount(v);
}
inline int __clz(int v) {
  return std::countl_zero(static_cast<unsigned>(v));
}
inline int __clzll(long long v) {
  return std::countl_zero(static_cast<unsigned long long>(v));
}
inline int __ffs(int v) {
  return __builtin_ffs(v);
}
inline int __ffsll(long long v) {
  return __builtin_ffsll(v);
}
inline unsigned __brev(unsigned v) {
  v = (v >> 1 & 0x55555555U) | (v & 0x55555555U) << 1;
  v = (v >> 2 & 0x33333333U) | (v & 0x33333333U) << 2;
  v = (v >> 4 & 0x0F0F0F0FU) | (v & 0x0F0F0F0FU) << 4;
  return __builtin_bswap32(v);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((std::uint64_t{high} << 32 | low) << (shift & 31U) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((std::uint64_t{high} << 32 | low) >> (shift & 31U));
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t bytes = std::uint64_t{y} << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned pick = selector >> (4 * i) & 0xFU;
    auto byte = static_cast<unsigned>(bytes >> (8 * (pick & 7U)) & 0xFFU);
    if ((pick & 8U) != 0) byte = (byte & 0x80U) != 0 ? 0xFFU : 0;
    result |= byte << (8 * i);
  }
  return result;
}

// Integers

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(std::uint64_t{a} * b >> 32);
}
inline int __mulhi(int a, int b) {
  return static_cast<int>(std::int64_t{a} * b >> 32);
}
__extension__ typedef unsigned __int128 n2s_uint128;
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(n2s_uint128{a} * b >> 64);
}

inline int min(int a, int b) {
  return a < b ? a : b;
}
inline unsigned min(unsigned a, unsigned b) {
  return a < b ? a : b;
}
inline long min(long a, long b) {
  return a < b ? a : b;
}
inline unsigned long min(unsigned long a, unsigned long b) {
  return a < b ? a : b;
}
inline long long min(long long a, long long b) {
  return a < b ? a : b;
}
inline unsigned long long min(unsigned long long a, unsigned long long b) {
  return a < b ? a : b;
}
inline float min(float a, float b) {
  return fminf(a, b);
}
inline double min(double a, double b) {
  return fmin(a, b);
}
inline int max(int a, int b) {
  return a > b ? a : b;
}
inline unsigned max(unsigned a, unsigned b) {
  return a > b ? a : b;
}
inline long max(long a, long b) {
  return a > b ? a : b;
}
inline unsigned long max(unsigned long a, unsigned long b) {
  return a > b ? a : b;
}
inline long long max(long long a, long long b) {
  return a > b ? a : b;
}
inline unsigned long long max(unsigned long long a, unsigned long long b) {
  return a > b ? a : b;
}
inline float max(float a, float b) {
  return fmaxf(a, b);
}
inline double max(double a, double b) {
  return fmax(a, b);
}

// Floating point. What hardware approximates is exact here, or as exact as the C library is.

inline float __uint_as_float(unsigned v) {
  return std::bit_cast<float>(v);
}
inline unsigned __float_as_uint(float v) {
  return std::bit_cast<unsigned>(v);
}
inline float __int_as_float(int v) {
  return std::bit_cast<float>(v);
}
inline int __float_as_int(float v) {
  return std::bit_cast<int>(v);
}
inline double __longlong_as_double(long long v) {
  return std::bit_cast<double>(v);
}
inline long long __double_as_longlong(double v) {
  return std::bit_cast<long long>(v);
}

namespace n2s::emulation::detail {

/// Numbers beyond the integer's range give its end, NaN gives 0.
template <typename Integer>
Integer saturated(float whole) {
  using Limits = std::numeric_limits<Integer>;
  if (whole != whole) return 0;
  if (whole <= static_cast<float>(Limits::min())) return Limits::min();
  if (whole >= static_cast<float>(Limits::max())) return Limits::max();
  return static_cast<Integer>(whole);
}

}  // namespace n2s::emulation::detail

inline int __float2int_rn(float v) {
  return n2s::emulation::detail::saturated<int>(rintf(v));
}
inline int __float2int_rz(float v) {
  return n2s::emulation::detail::saturated<int>(truncf(v));
}
inline int __float2int_rd(float v) {
  return n2s::emulation::detail::saturated<int>(floorf(v));
}
inline int __float2int_ru(float v) {
  return n2s::emulation::detail::saturated<int>(ceilf(v));
}
inline unsigned __float2uint_rn(float v) {
  return n2s::emulation::detail::saturated<unsigned>(rintf(v));
}
inline unsigned __float2uint_rz(float v) {
  return n2s::emulation::detail::saturated<unsigned>(truncf(v));
}
inline float __int2float_rn(int v) {
  return static_cast<float>(v);
}
inline float __uint2float_rn(unsigned v) {
  return static_cast<float>(v);
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline float __fmaf_rn(float a, float b, float c) {
  return fmaf(a, b, c);
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __frcp_rn(float v) {
  return 1.0F / v;
}
inline float __fsqrt_rn(float v) {
  return sqrtf(v);
}
inline float __frsqrt_rn(float v) {
  return static_cast<float>(1.0 / sqrt(static_cast<double>(v)));
}
inline float rsqrtf(float v) {
  return __frsqrt_rn(v);
}
inline float __saturatef(float v) {
  return v > 0 ? fminf(v, 1.0F) : 0.0F;
}
inline float __expf(float v) {
  return expf(v);
}
inline float __exp2f(float v) {
  return exp2f(v);
}
inline float __logf(float v) {
  return logf(v);
}
inline float __log2f(float v) {
  return log2f(v);
}
inline float __powf(float a, float b) {
  return powf(a, b);
}
inline float __sinf(float v) {
  return sinf(v);
}
inline float __cosf(float v) {
  return cosf(v);
}
inline void __sincosf(float v, float* sine, float* cosine) {
  *sine = sinf(v);
  *cosine = cosf(v);
}
inline float sinpif(float v) {
  return static_cast<float>(sin(3.14159265358979323846 * fmod(static_cast<double>(v), 2.0)));
}
inline float cospif(float v) {
  return static_cast<float>(cos(3.14159265358979323846 * fmod(static_cast<double>(v), 2.0)));
}
inline void sincospif(float v, float* sine, float* cosine) {
  *sine = sinpif(v);
  *cosine = cospif(v);
}

// NOLINTEND(readability-identifier-naming)
