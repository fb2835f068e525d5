// IEEE 754 half precision, as files store it. Compilers differ in whether C++ has a type for it, so the conversions are
// here, in integer arithmetic.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace n2s {

/// 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
struct Half {
  std::uint16_t bits = 0;
};

/// Exact: every half is a float.
inline float float_of(Half half) {
  const int exponent = half.bits >> 10 & 31;
  const int fraction = half.bits & 1023;
  float size = 0;
  if (exponent == 31)
    size = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  else if (exponent == 0)
    size = std::ldexp(static_cast<float>(fraction), -24);
  else
    size = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  return (half.bits & 0x8000) != 0 ? -size : size;
}

/// Rounded to nearest, ties to even; from 65520 on infinite.
inline Half half_of(double value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double size = std::fabs(value);
  if (std::isnan(value)) return {static_cast<std::uint16_t>(sign | 0x7e00)};
  if (size >= 65520) return {static_cast<std::uint16_t>(sign | 0x7c00)};
  // In steps of the last fraction bit, below 2^-14 as well, where they no longer shrink. A carry moves into the
  // exponent.
  const int exponent = size < 0x1p-14 ? -14 : std::ilogb(size);
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent)));
  return {static_cast<std::uint16_t>(sign | ((exponent + 14) * 1024 + steps))};
}

}  // namespace n2s
