// Traits of stacks whose noise, contrast and similarity are known by construction.
#include "data/stack_traits.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/base/philox.h"

using namespace n2s;

namespace {

double normal(std::uint32_t plane, std::uint32_t index) {
  const RandomKey key{3, Purpose::test, 0, plane, 0};
  const double u = random_uniform(key, 2 * index) + 1e-9;
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * random_uniform(key, 2 * index + 1));
}

/// Planes of a smooth pattern with `contrast`, `drift` radians further from plane to plane, and noise.
Stack waves(int planes, double contrast, double noise, double drift) {
  Stack stack{planes, 64, 80, {}};
  for (int plane = 0; plane < planes; ++plane) {
    std::uint32_t index = 0;
    for (int row = 0; row < 64; ++row)
      for (int column = 0; column < 80; ++column, ++index)
        stack.voxels.push_back(
            static_cast<float>(contrast * std::sqrt(2.0) * std::sin(6.283185307179586 * column / 40 + drift * plane) +
                               noise * normal(static_cast<std::uint32_t>(plane), index)));
  }
  return stack;
}

}  // namespace

TEST_CASE("noise, contrast and similarity are found") {
  for (const double noise : {0.02, 0.1, 0.4}) {
    const StackTraits traits = stack_traits(waves(9, 0.2, noise, 0.3));
    CHECK(traits.noise == doctest::Approx(noise).epsilon(0.05));
    CHECK(traits.contrast == doctest::Approx(std::hypot(0.2, noise)).epsilon(0.03));
    const double signal = 0.2 * 0.2, total = signal + noise * noise;
    CHECK(traits.similarity == doctest::Approx(signal * std::cos(0.3) / total).epsilon(0.08));
  }
}

TEST_CASE("a masked background does not hide the noise, and single planes have no similarity") {
  Stack stack = waves(6, 0.2, 0.1, 0.1);
  for (std::size_t i = 0; i < stack.voxels.size(); ++i)
    if (i % 80 >= 30) stack.voxels[i] = 0;
  CHECK(stack_traits(stack).noise == doctest::Approx(0.1).epsilon(0.15));
  CHECK(stack_traits(waves(1, 0.2, 0.1, 0)).similarity == 0);
}

TEST_CASE("what is unlike is named, what is alike is not") {
  const StackTraits trained = stack_traits(waves(8, 0.2, 0.1, 0.1));
  CHECK(unlike(trained, stack_traits(waves(12, 0.22, 0.12, 0.2))).empty());
  const std::vector<std::string> noisy = unlike(trained, stack_traits(waves(8, 0.2, 0.3, 0.1)));
  REQUIRE(noisy.size() == 2);  // noise lowers the correlation as well
  CHECK(noisy[0].find("the noise is 3 times") == 0);
  const std::vector<std::string> distant = unlike(trained, stack_traits(waves(8, 0.2, 0.1, 1.5)));
  REQUIRE(distant.size() == 1);
  CHECK(distant[0].find("neighbouring planes correlate") == 0);
  CHECK(unlike(trained, stack_traits(waves(8, 0.02, 0.1, 0.1))).size() == 2);
  CHECK(unlike(trained, stack_traits(waves(1, 0.2, 0.1, 0.1))).empty());
  CHECK(unlike(stack_traits(waves(1, 0.2, 0.1, 0.1)), trained).empty());
}

TEST_CASE("traits are stored and read back") {
  const StackTraits traits = stack_traits(waves(4, 0.2, 0.1, 0.1));
  const StackTraits read = nlohmann::json(traits).get<StackTraits>();
  CHECK(read.noise == traits.noise);
  CHECK(read.contrast == traits.contrast);
  CHECK(read.similarity == traits.similarity);
  CHECK_THROWS(nlohmann::json::object().get<StackTraits>());
}
