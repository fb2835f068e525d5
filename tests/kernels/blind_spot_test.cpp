// Hidden pixels on the CPU against their definition, and what they are to be like.
#include "kernels/blind_spot/blind_spot.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"
#include "tests/kernels/random_image.h"

using namespace n2s;
using namespace n2s::test;

namespace {

struct Batch {
  Batch(const Shape& input, std::uint64_t seed)
      : shape(input),
        planes(random_values(static_cast<std::size_t>(input.elements()), seed)),
        targets(static_cast<std::size_t>(input.pixels())) {
    for (std::size_t i = 0; i < targets.size(); ++i)
      targets[i] = planes[i * static_cast<std::size_t>(input.channels) + static_cast<std::size_t>(input.channels / 2)];
  }
  FloatTensor input() { return {planes.data(), shape}; }
  FloatTensor target() { return {targets.data(), {shape.batch, shape.height, shape.width, 1}}; }

  Shape shape;
  std::vector<float> planes, targets;
};

/// But for the rounding of means. NaN equals NaN.
bool same(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) < 1e-6F) && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  return a.size() == b.size();
}

constexpr RandomKey kKey{3, Purpose::blind_spots, 1, 2, 0};

}  // namespace

TEST_CASE("hidden pixels and what stands in their place equal the definition") {
  using enum BlindReplacement;
  for (const BlindSpots& spots :
       {BlindSpots{}, BlindSpots{5, false, uniform, 11, 1, 1}, BlindSpots{5, false, median, 5, 1, 1},
        BlindSpots{7, false, median, 3, 1, 1}, BlindSpots{4, true, interpolate, 11, 1, 1},
        BlindSpots{3, true, uniform, 5, 1, 1}, BlindSpots{6, false, uniform, 11, 11, 1},
        BlindSpots{9, false, interpolate, 3, 3, 7}, BlindSpots{50, false, uniform, 11, 1, 1}})
    for (const Shape& shape : {Shape{2, 33, 40, 1}, Shape{1, 12, 7, 3}, Shape{1, 2, 1, 1}}) {
      CAPTURE(spots.box);
      CAPTURE(shape.width);
      Batch found(shape, 6);
      Batch expected(shape, 6);
      for (int n = 0; n < shape.batch; ++n) {
        hide_pixels(spots, kKey, found.input(), shape.channels / 2, found.target(), n);
        hide_pixels_reference(spots, kKey, expected.input(), shape.channels / 2, expected.target(), n);
      }
      CHECK(same(found.planes, expected.planes));
      CHECK(same(found.targets, expected.targets));
    }
}

TEST_CASE("Noise2Void hides one pixel in each box of 22x22; other channels and images stay as they are") {
  const Shape shape{2, 220, 220, 3};
  Batch batch(shape, 2);
  const Batch before = batch;
  hide_pixels({}, kKey, batch.input(), 1, batch.target(), 1);
  int targets = 0;
  int changed = 0;
  for (int y = 0; y < 220; ++y)
    for (int x = 0; x < 220; ++x) {
      const auto at = static_cast<std::size_t>(220 + y) * 220 + static_cast<std::size_t>(x);
      targets += std::isnan(batch.targets[at]) ? 0 : 1;
      changed += batch.planes[at * 3 + 1] != before.planes[at * 3 + 1] ? 1 : 0;
      REQUIRE(batch.planes[at * 3] == before.planes[at * 3]);
      REQUIRE(batch.planes[at * 3 + 2] == before.planes[at * 3 + 2]);
      if (!std::isnan(batch.targets[at])) REQUIRE(batch.targets[at] == before.targets[at]);
    }
  CHECK(targets == 100);
  CHECK(changed <= 100);
  CHECK(changed >= 95);  // the centre of the window may stand for itself
  for (std::size_t i = 0; i < 220UL * 220; ++i) REQUIRE(batch.targets[i] == before.targets[i]);
}

TEST_CASE("every pixel is hidden about equally often") {
  const Shape shape{1, 33, 30, 1};
  std::vector<int> hidden(990);
  constexpr int kRounds = 6000;
  for (std::uint32_t i = 0; i < kRounds; ++i) {
    Batch batch(shape, 2);
    hide_pixels({10, false, BlindReplacement::uniform, 3, 1, 1}, {3, Purpose::blind_spots, 0, i, 0}, batch.input(), 0,
                batch.target(), 0);
    for (std::size_t j = 0; j < hidden.size(); ++j) hidden[j] += std::isnan(batch.targets[j]) ? 0 : 1;
  }
  for (const int count : hidden) CHECK(std::abs(count - 60) < 40);  // 60 +- 7.7
}

TEST_CASE("sizes that do not fit together are refused") {
  Batch batch({1, 8, 8, 1}, 1);
  CHECK_THROWS_AS(hide_pixels({}, kKey, batch.input(), 1, batch.target(), 0), Error);
  CHECK_THROWS_AS(hide_pixels({}, kKey, batch.input(), 0, {batch.targets.data(), {1, 8, 4, 1}}, 0), Error);
  CHECK_THROWS_AS(hide_pixels({.box = 0}, kKey, batch.input(), 0, batch.target(), 0), Error);
}
