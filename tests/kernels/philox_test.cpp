// Philox against Random123's published vectors, and the streams made of it: independent, uniform, normal.
#include "kernels/base/philox.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace n2s;

namespace {

constexpr std::uint32_t kCount = 200000;

struct Moments {
  double mean = 0, variance = 0;
};

template <class Draw>
Moments moments(const Draw& draw) {
  double sum = 0;
  double squares = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const double value = draw(i);
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kCount;
  return {mean, squares / kCount - mean * mean};
}

/// Of two streams of uniform numbers; its standard error is 1 / sqrt(kCount) = 0.0022.
double correlation(const RandomKey& a, const RandomKey& b) {
  double sum = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) sum += (random_uniform(a, i) - 0.5) * (random_uniform(b, i) - 0.5);
  return 12 * sum / kCount;
}

}  // namespace

TEST_CASE("philox4x32-10 gives the known answers of Random123") {
  CHECK(philox4x32({{0, 0, 0, 0}}, 0) == PhiloxBlock{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  CHECK(philox4x32({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffffffffffff) ==
        PhiloxBlock{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  CHECK(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822) ==
        PhiloxBlock{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_CASE("uniform numbers: in [0, 1), even over bins, with the moments of the uniform distribution") {
  const RandomKey key{42};
  std::vector<int> bins(100, 0);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const float value = random_uniform(key, i);
    REQUIRE((value >= 0 && value < 1));
    ++bins[static_cast<std::size_t>(value * 100)];
  }
  double chi_squared = 0;  // 99 degrees of freedom: mean 99, standard deviation 14
  for (const int hits : bins) chi_squared += std::pow(hits - kCount / 100.0, 2) / (kCount / 100.0);
  CHECK(chi_squared > 99 - 5 * 14);
  CHECK(chi_squared < 99 + 5 * 14);
  const Moments found = moments([&](std::uint32_t i) { return random_uniform(key, i); });
  CHECK(std::abs(found.mean - 0.5) < 5 * std::sqrt(1.0 / 12 / kCount));
  CHECK(std::abs(found.variance - 1.0 / 12) < 1e-3);
}

TEST_CASE("normal numbers: mean 0, variance 1, tails, neighbours uncorrelated") {
  const RandomKey key{7, Purpose::noise_input};
  const Moments found = moments([&](std::uint32_t i) { return random_normal(key, i); });
  CHECK(std::abs(found.mean) < 5 / std::sqrt(kCount));
  CHECK(std::abs(found.variance - 1) < 5 * std::sqrt(2.0 / kCount));
  int beyond_two = 0;
  double lagged = 0;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const double value = random_normal(key, i);
    REQUIRE(std::isfinite(value));
    if (std::abs(value) > 2) ++beyond_two;
    lagged += value * random_normal(key, i + 1);
  }
  CHECK(std::abs(beyond_two / static_cast<double>(kCount) - 0.0455003) < 5 * std::sqrt(0.0455 / kCount));
  CHECK(std::abs(lagged / kCount) < 5 / std::sqrt(kCount));
}

TEST_CASE("integers below a count: all of them, none else, equally often") {
  const RandomKey key{3, Purpose::crop};
  for (const std::uint32_t count : {1U, 2U, 7U, 64U}) {
    std::vector<int> hits(count, 0);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      const std::uint32_t value = random_below(key, i, count);
      REQUIRE(value < count);
      ++hits[value];
    }
    const double expected = static_cast<double>(kCount) / count;
    for (const int hit : hits) CHECK(std::abs(hit - expected) <= 5 * std::sqrt(expected));
  }
}

TEST_CASE("streams that differ in any part of the key are independent") {
  const RandomKey key{5, Purpose::noise_input, 1, 2, 3};
  std::vector<RandomKey> others(7, key);
  others[0].seed = 6;
  others[1].seed += std::uint64_t{1} << 32;
  others[2].purpose = Purpose::noise_target;
  others[3].epoch = 2;
  others[4].item = 3;
  others[5].minor = 2;
  others[6].minor = 3 + 0x800;
  for (const RandomKey& other : others) CHECK(std::abs(correlation(key, other)) < 5 / std::sqrt(kCount));
  CHECK(correlation(key, key) == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("a number depends on its index alone, not on what was drawn before") {
  const RandomKey key{11, Purpose::shuffle, 4};
  for (std::uint32_t i : {0U, 1U, 5U, 4000000000U}) CHECK(random_bits(key, i) == random_block(key, i / 4)[i % 4]);
}
