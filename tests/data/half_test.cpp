// Half precision against its definition: every half there is, and every boundary between two of them.
#include "data/half.h"

#include <doctest/doctest.h>

using namespace n2s;

TEST_CASE("known halves") {
  CHECK(float_of({0x0000}) == 0);
  CHECK(float_of({0x0001}) == 0x1p-24F);  // the smallest
  CHECK(float_of({0x0400}) == 0x1p-14F);  // the smallest normal one
  CHECK(float_of({0x3c00}) == 1);
  CHECK(float_of({0xc000}) == -2);
  CHECK(float_of({0x7bff}) == 65504);  // the largest
  CHECK(std::isinf(float_of({0x7c00})));
  CHECK(float_of({0xfc00}) < 0);
  CHECK(std::isnan(float_of({0x7e01})));
  CHECK(std::signbit(float_of({0x8000})));
}

TEST_CASE("every half comes back, and what lies between two goes to the nearest, ties to even") {
  for (std::uint16_t bits = 0; bits < 0x7c00; ++bits) {
    const double here = float_of({bits});
    CHECK(half_of(here).bits == bits);
    CHECK(half_of(-here).bits == (bits | 0x8000));
    const double next =
        bits + 1 < 0x7c00 ? static_cast<double>(float_of({static_cast<std::uint16_t>(bits + 1)})) : 65536;
    const double middle = (here + next) / 2;
    CHECK(half_of(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
    CHECK(half_of(std::nextafter(middle, 0.0)).bits == bits);
    CHECK(half_of(std::nextafter(middle, 1e9)).bits == bits + 1);
  }
  CHECK(half_of(1e300).bits == 0x7c00);
  CHECK(std::isnan(float_of(half_of(std::nan("")))));
}
