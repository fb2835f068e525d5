// Batch assembly: orientations by hand, everything else against the step-by-step reference; the draws and the order.
#include "kernels/gather_planes/gather_planes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/base/error.h"
#include "tests/kernels/random_image.h"

using namespace n2s;
using namespace n2s::test;

namespace {

Augmentation crop_of(int height, int width) {
  Augmentation augmentation;
  augmentation.crop_height = height;
  augmentation.crop_width = width;
  return augmentation;
}

std::vector<float> gathered(const GatherPlane& g) {
  const PlaneSize size{g.augmentation.crop_height, g.augmentation.crop_width};
  std::vector<float> pixels(size.pixels(), -99);
  gather_plane(g, {pixels.data(), {1, g.augmentation.crop_height, g.augmentation.crop_width, 1}}, 0, 0);
  return pixels;
}

RandomKey sample_key(std::uint32_t step) {
  return {1, Purpose::crop, 2, step, 3};
}

}  // namespace

TEST_CASE("the eight orientations of a square") {
  const std::vector<float> plane{1, 2, 3,  //
                                 4, 5, 6,  //
                                 7, 8, 9};
  const std::vector<std::vector<float>> want{
      {1, 2, 3, 4, 5, 6, 7, 8, 9},  // as it is
      {1, 4, 7, 2, 5, 8, 3, 6, 9},  // transposed
      {7, 8, 9, 4, 5, 6, 1, 2, 3},  // upside down
      {3, 6, 9, 2, 5, 8, 1, 4, 7},  // turned by 90 degrees to the left
      {3, 2, 1, 6, 5, 4, 9, 8, 7},  // mirrored
      {7, 4, 1, 8, 5, 2, 9, 6, 3},  // turned by 90 degrees to the right
      {9, 8, 7, 6, 5, 4, 3, 2, 1},  // turned by 180 degrees
      {9, 6, 3, 8, 5, 2, 7, 4, 1},  // transposed along the other diagonal
  };
  GatherPlane g{plane.data(), 3, 3, crop_of(3, 3), {}};
  for (int orientation = 0; orientation < 8; ++orientation) {
    CAPTURE(orientation);
    g.draw.orientation = orientation;
    CHECK(gathered(g) == want[static_cast<std::size_t>(orientation)]);
  }
}

TEST_CASE("a shift moves down and right and leaves the fill, or goes around the edge") {
  const std::vector<float> plane{1, 2, 3, 4, 5, 6};
  GatherPlane g{plane.data(), 2, 3, crop_of(2, 3), {}};
  g.augmentation.fill = -0.5F;
  g.draw.shift_y = 1;
  g.draw.shift_x = 2;
  CHECK(gathered(g) == std::vector<float>{-0.5F, -0.5F, -0.5F, -0.5F, -0.5F, 1});
  g.augmentation.circular_shift = true;
  CHECK(gathered(g) == std::vector<float>{5, 6, 4, 2, 3, 1});
  g.draw.shift_y = -64;
  g.draw.shift_x = -64;  // 64 = 21 * 3 + 1
  CHECK(gathered(g) == std::vector<float>{2, 3, 1, 5, 6, 4});
}

TEST_CASE("a crop beyond the plane sees it reflected, the edge not repeated") {
  const std::vector<float> plane{1, 2, 3};
  CHECK(gathered({plane.data(), 1, 3, crop_of(2, 8), {}}) ==
        std::vector<float>{1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2});
  const float single = 7;
  CHECK(gathered({&single, 1, 1, crop_of(3, 2), {}}) == std::vector<float>(6, 7.0F));
}

TEST_CASE("any draw gives what the steps one after the other give") {
  const std::vector<float> values = random_values(PlaneSize{40, 40}.pixels(), 1);
  const RandomKey key{2, Purpose::test};
  std::uint32_t drawn = 0;
  const auto any = [&](int from, int to) {
    return from + static_cast<int>(random_below(key, drawn++, static_cast<std::uint32_t>(to - from + 1)));
  };
  for (int i = 0; i < 400; ++i) {
    CAPTURE(i);
    GatherPlane g{values.data(), any(1, 40), any(1, 40), crop_of(any(1, 50), any(1, 50)), {}};
    if (any(0, 1) == 0) g.augmentation.crop_width = g.augmentation.crop_height;
    const bool square = g.augmentation.crop_width == g.augmentation.crop_height;
    g.augmentation.circular_shift = any(0, 1) == 0;
    g.augmentation.fill = -3;
    g.draw = {any(0, 45), any(0, 45), any(-70, 70), any(-70, 70), square ? any(0, 7) : 2 * any(0, 3)};
    CHECK(gathered(g) == gather_plane_reference(g));
  }
}

TEST_CASE("only the requested image and channel of a batch are written") {
  const std::vector<float> plane = random_values(20, 3);
  std::vector<float> batch(3 * PlaneSize{5, 4}.pixels() * 6, -99);
  const FloatTensor image{batch.data(), {3, 5, 4, 6}};
  gather_plane({plane.data(), 5, 4, crop_of(5, 4), {}}, image, 1, 2);
  for (int n = 0; n < 3; ++n)
    for (int y = 0; y < 5; ++y)
      for (int x = 0; x < 4; ++x)
        for (int c = 0; c < 6; ++c) {
          const bool written = n == 1 && c == 2;
          CHECK(image.pixel(n, y, x)[c] == (written ? plane[static_cast<std::size_t>(y * 4 + x)] : -99));
        }
}

TEST_CASE("sizes that do not fit are errors") {
  const std::vector<float> plane(12);
  std::vector<float> out(12);
  const FloatTensor image{out.data(), {1, 3, 4, 1}};
  GatherPlane g{plane.data(), 3, 4, crop_of(4, 3), {}};
  CHECK_THROWS_AS(gather_plane(g, image, 0, 0), Error);
  g.augmentation = crop_of(3, 4);
  CHECK_NOTHROW(gather_plane(g, image, 0, 0));
  g.draw.orientation = 1;
  CHECK_THROWS_AS(gather_plane(g, image, 0, 0), Error);
  g.draw.orientation = 0;
  g.plane_height = 0;
  CHECK_THROWS_AS(gather_plane(g, image, 0, 0), Error);
}

TEST_CASE("draws: every position, shift and orientation, none else, and the same again for the same key") {
  Augmentation augmentation = crop_of(4, 4);
  augmentation.max_shift = 2;
  augmentation.orientations = true;
  std::set<int> tops, lefts, downs, rights, orientations;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const SampleDraw draw = draw_sample(augmentation, 6, 9, sample_key(i));
    tops.insert(draw.top);
    lefts.insert(draw.left);
    downs.insert(draw.shift_y);
    rights.insert(draw.shift_x);
    orientations.insert(draw.orientation);
    const SampleDraw again = draw_sample(augmentation, 6, 9, sample_key(i));
    CHECK((again.top == draw.top && again.left == draw.left && again.shift_y == draw.shift_y &&
           again.shift_x == draw.shift_x && again.orientation == draw.orientation));
  }
  CHECK(tops == std::set<int>{0, 1, 2});
  CHECK(lefts == std::set<int>{0, 1, 2, 3, 4, 5});
  CHECK(downs == std::set<int>{0, 1, 2});
  CHECK(rights == downs);
  CHECK(orientations == std::set<int>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("draws: circular shifts go both ways; other crops are not turned; no setting, no variation") {
  Augmentation augmentation = crop_of(4, 5);
  augmentation.max_shift = 2;
  augmentation.circular_shift = true;
  augmentation.orientations = true;
  std::set<int> downs, orientations;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const SampleDraw draw = draw_sample(augmentation, 4, 5, sample_key(i));
    downs.insert(draw.shift_y);
    orientations.insert(draw.orientation);
  }
  CHECK(downs == std::set<int>{-2, -1, 0, 1, 2});
  CHECK(orientations == std::set<int>{0, 2, 4, 6});
  const SampleDraw none = draw_sample(crop_of(8, 8), 6, 7, sample_key(0));
  CHECK((none.top == 0 && none.left == 0 && none.shift_y == 0 && none.shift_x == 0 && none.orientation == 0));
}

TEST_CASE("the order of an epoch: each once, another one in the next epoch, every place equally likely") {
  constexpr std::size_t kCount = 10;
  constexpr int kEpochs = 5000;
  CHECK(shuffled(0, {}).empty());
  CHECK(shuffled(1, {}) == std::vector<std::uint32_t>{0});
  std::vector<int> hits(kCount * kCount);
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    auto order = shuffled(10, {4, Purpose::shuffle, epoch});
    CHECK(order == shuffled(10, {4, Purpose::shuffle, epoch}));
    for (std::size_t place = 0; place < kCount; ++place) ++hits[place * kCount + order[place]];
    std::sort(order.begin(), order.end());
    for (std::uint32_t i = 0; i < kCount; ++i) REQUIRE(order[i] == i);
  }
  const double expected = static_cast<double>(kEpochs) / kCount;
  for (const int hit : hits) CHECK(std::abs(hit - expected) < 5 * std::sqrt(expected));
}
