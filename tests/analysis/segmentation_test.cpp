// Thresholds and objects of images whose answer is known.
#include "analysis/segmentation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/base/philox.h"

using namespace n2s;

namespace {

/// '#' is 1.
std::vector<float> drawn(const std::string& picture) {
  std::vector<float> mask;
  for (const char c : picture) mask.push_back(c == '#' ? 1.0F : 0.0F);
  return mask;
}

}  // namespace

TEST_CASE("Otsu's threshold lies between two modes, wherever they are and however unequal") {
  for (const double share : {0.5, 0.1})
    for (const double scale : {1.0, 1000.0}) {
      const RandomKey key{1, Purpose::test, 0, 0, 0};
      std::vector<float> values;
      for (std::uint32_t i = 0; i < 20000; ++i)
        values.push_back(static_cast<float>(
            scale * ((random_uniform(key, i) < share ? 10 : 2) + 0.5 * random_normal({2, Purpose::test, 0, 0, 0}, i))));
      CHECK(otsu_threshold(values) > 3.5 * scale);
      CHECK(otsu_threshold(values) < 8.5 * scale);
    }
}

TEST_CASE("the threshold is the one with the least variance within the classes") {
  const std::vector<float> values{0, 1, 1, 2, 2, 2, 3, 7, 8, 8, 9, 12};
  const auto within = [&](double threshold) {
    double total = 0;
    for (const bool bright : {false, true}) {
      std::vector<double> part;
      for (const float v : values)
        if ((v > threshold) == bright) part.push_back(v);
      double mean = 0;
      for (const double v : part) mean += v / static_cast<double>(part.size());
      for (const double v : part) total += (v - mean) * (v - mean);
    }
    return total;
  };
  double best = 1e9;
  for (double t = 0.5; t < 11.5; t += 1) best = std::min(best, within(t));
  CHECK(within(otsu_threshold(values)) == doctest::Approx(best));
  CHECK(otsu_threshold(std::vector<float>(9, 4.0F)) == 4);
}

TEST_CASE("objects touch at corners too, do not wrap around, and are large enough") {
  const std::vector<float> mask = drawn(
      "##......"
      "..#....#"
      "........"
      "#..###.."
      "#..###.."
      "....#..#");
  CHECK(count_objects(mask, 6, 8, 1) == 5);
  CHECK(count_objects(mask, 6, 8, 2) == 3);
  CHECK(count_objects(mask, 6, 8, 3) == 2);
  CHECK(count_objects(drawn("........"), 2, 4, 1) == 0);
}

TEST_CASE("the Dice coefficient") {
  CHECK(dice(drawn("##.."), drawn("##..")) == 1);
  CHECK(dice(drawn("##.."), drawn("..##")) == 0);
  CHECK(dice(drawn("###."), drawn("#...")) == doctest::Approx(0.5));
  CHECK(dice(drawn("...."), drawn("....")) == 1);
}

TEST_CASE("masks of a noisy stack: discs are found, with their area") {
  constexpr int kSide = 64;
  Stack stack{2, kSide, kSide, {}};
  for (int p = 0; p < 2; ++p)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const bool inside = std::hypot(x - 20, y - 20) < 9 || (p == 1 && std::hypot(x - 45, y - 40) < 7);
        const auto number = static_cast<std::uint32_t>((p * kSide + y) * kSide + x);
        stack.voxels.push_back(
            static_cast<float>((inside ? 300 : 100) + 40 * random_normal({3, Purpose::test, 0, 0, 0}, number)));
      }
  const Stack masks = otsu_masks(stack);
  CHECK(count_objects(plane_of(masks, 0), kSide, kSide, 20) == 1);
  CHECK(count_objects(plane_of(masks, 1), kSide, kSide, 20) == 2);
  const double area = static_cast<double>(std::count(masks.voxels.begin(), masks.voxels.end(), 1.0F));
  CHECK(area == doctest::Approx(3.14159 * (2 * 81 + 49)).epsilon(0.05));
}
