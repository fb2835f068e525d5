// Statistics and replaced voxels on stacks with known scene, noise, hot pixels, lines, spots and saturated regions.
#include "data/levels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"

using namespace n2s;

namespace {

constexpr int kLevelPlanes = 4, kSide = 48;

std::size_t at(int plane, int row, int column) {
  return (static_cast<std::size_t>(plane) * kSide + static_cast<std::size_t>(row)) * kSide +
         static_cast<std::size_t>(column);
}

/// A smooth scene from 500 to 1500 with noise of 50 (uniform).
Stack scene() {
  Stack stack{kLevelPlanes, kSide, kSide, {}};
  std::uint32_t index = 0;
  for (int plane = 0; plane < kLevelPlanes; ++plane)
    for (int row = 0; row < kSide; ++row)
      for (int column = 0; column < kSide; ++column)
        stack.voxels.push_back(
            1000 + 450 * std::sin(0.2F * static_cast<float>(row)) * std::cos(0.15F * static_cast<float>(column)) +
            100 * (random_uniform({1, Purpose::test, 0, 0, 0}, index++) - 0.5F));
  return stack;
}

std::vector<float> sorted(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  return values;
}

/// numpy.percentile's rule, on sorted values.
double percentile_of(const std::vector<float>& values, double percent) {
  const double position = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const double part = position - static_cast<double>(below);
  return values[below] + part * (values[std::min(below + 1, values.size() - 1)] - values[below]);
}

double level(const Normalisation& n, double normalised) {
  return (normalised - n.offset) / n.scale;
}

}  // namespace

TEST_CASE("hot and dead pixels, alone and in pairs, are replaced by what surrounds them") {
  const Stack clean = scene();
  Stack stack = clean;
  const std::set<std::size_t> hot{at(0, 0, 0), at(1, 20, 20), at(1, 20, 21), at(2, 47, 30), at(3, 9, 47), at(3, 30, 5)};
  for (const std::size_t i : hot) stack.voxels[i] = i == at(3, 30, 5) ? -20000.0F : 65535.0F;
  std::vector<ExtremeValues> replaced;
  const Normalisation fitted = fit_levels({&stack}, "percentile", replaced);
  CHECK(replaced[0].isolated == hot.size());
  CHECK(replaced[0].kept.empty());
  for (std::size_t i = 0; i < clean.voxels.size(); ++i) {
    if (hot.count(i) == 0) CHECK(stack.voxels[i] == clean.voxels[i]);
    if (hot.count(i) == 1) CHECK(std::abs(stack.voxels[i] - clean.voxels[i]) < 250);
  }
  // The map is that of the clean scene, but for the few voxels that have new values.
  const std::vector<float> values = sorted(clean.voxels);
  CHECK(level(fitted, 0) == doctest::Approx(percentile_of(values, 3)).epsilon(0.002));
  CHECK(level(fitted, 1) == doctest::Approx(percentile_of(values, 99.8)).epsilon(0.002));
}

TEST_CASE("lines, spots of the microscope's resolution and saturated regions are no hot pixels") {
  Stack stack = scene();
  for (int i = 20; i < 24; ++i) {
    stack.voxels[at(0, i, 10)] = 60000;  // a line, one pixel wide
    stack.voxels[at(1, i, i)] = 60000;   // a diagonal
  }
  for (int row = 0; row < kSide; ++row)
    for (int column = 0; column < kSide; ++column) {
      const double distance = std::hypot(row - 20, column - 30);
      stack.voxels[at(2, row, column)] += static_cast<float>(60000 * std::exp(-distance * distance / 1.44));  // FWHM 2
      if (distance < 2) stack.voxels[at(3, row, column)] = 65535;
    }
  const Stack before = stack;
  std::vector<ExtremeValues> replaced;
  fit_levels({&stack}, "percentile", replaced);
  CHECK(replaced[0].isolated <= 4);  // the ends of the lines have one neighbour only
  // They are beyond the network's reach: limited for it, and put back afterwards.
  CHECK(replaced[0].kept.size() >= 20);
  CHECK(*std::max_element(stack.voxels.begin(), stack.voxels.end()) < 20000);
  put_back(replaced[0], stack);
  std::size_t different = 0;
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) different += stack.voxels[i] != before.voxels[i] ? 1 : 0;
  CHECK(different == replaced[0].isolated);
}

TEST_CASE("NaN and infinite voxels do not count, and are put back") {
  const Stack clean = scene();
  Stack stack = clean;
  for (int row = 0; row < kSide; ++row)
    for (int plane = 0; plane < kLevelPlanes; ++plane) stack.voxels[at(plane, row, 3)] = std::nanf("");
  stack.voxels[at(0, 0, 0)] = std::numeric_limits<float>::infinity();
  std::vector<float> finite;
  for (const float value : stack.voxels)
    if (std::isfinite(value)) finite.push_back(value);
  for (const std::string kind : {"range", "none", "robust-range", "percentile", "mean-std"}) {
    Stack copy = stack;
    std::vector<ExtremeValues> replaced;
    const Normalisation fitted = fit_levels({&copy}, kind, replaced);
    CHECK(replaced[0].not_finite == kSide * kLevelPlanes + 1);
    CHECK(std::all_of(copy.voxels.begin(), copy.voxels.end(), [](float value) { return std::isfinite(value); }));
    if (kind == "range") CHECK(level(fitted, 0.5) == doctest::Approx(sorted(finite).back()));
    put_back(replaced[0], copy);
    CHECK(std::isnan(copy.voxels[at(2, 7, 3)]));
    CHECK(std::isinf(copy.voxels[at(0, 0, 0)]));
  }
  std::fill(stack.voxels.begin(), stack.voxels.end(), std::nanf(""));
  std::vector<ExtremeValues> replaced;
  CHECK_THROWS_AS(fit_levels({&stack}, "percentile", replaced), Error);
}

TEST_CASE("a constant background does not count: percentiles are those of the other voxels") {
  const Stack clean = scene();
  for (const float background : {0.0F, 900.0F, 5000.0F}) {
    Stack stack = clean;
    std::vector<float> rest;
    for (std::size_t i = 0; i < stack.voxels.size(); ++i) {
      if (i % 7 != 0) stack.voxels[i] = background;
      if (i % 7 == 0) rest.push_back(stack.voxels[i]);
    }
    rest = sorted(rest);
    const Normalisation fitted = fit_normalisation({&stack}, robust_options("percentile"));
    CHECK(fitted.background == background);
    CHECK(level(fitted, 0) == doctest::Approx(percentile_of(rest, 3)).epsilon(1e-9));
    CHECK(level(fitted, 1) == doctest::Approx(percentile_of(rest, 99.8)).epsilon(1e-9));
    const BulkLevels bulk = bulk_levels({&stack});
    CHECK(bulk.centre == doctest::Approx(percentile_of(rest, 50)).epsilon(1e-9));
    CHECK(bulk.spread == doctest::Approx(percentile_of(rest, 90) - percentile_of(rest, 10)).epsilon(1e-9));
  }
}

TEST_CASE("where two values are all there is, their limits are taken") {
  Stack stack{1, 40, 50, std::vector<float>(2000, 0.0F)};
  for (std::size_t i = 0; i < 2000; i += 100) stack.voxels[i] = 255;
  for (const std::string kind : {"percentile", "robust-range"}) {
    const Normalisation fitted = fit_normalisation({&stack}, robust_options(kind));
    CHECK(1 / fitted.scale == doctest::Approx(255));
  }
}

TEST_CASE("a saturated maximum does not count, a bright one that is part of the scene does") {
  const Stack clean = scene();
  Stack stack = clean;
  for (int row = 10; row < 30; ++row)  // 6 % of all
    for (int column = 10; column < 40; ++column) stack.voxels[at(1, row, column)] = 65535;
  std::vector<float> rest;
  for (const float value : stack.voxels)
    if (value < 65535) rest.push_back(value);
  rest = sorted(rest);
  CHECK(level(fit_normalisation({&stack}, robust_options("percentile")), 1) ==
        doctest::Approx(percentile_of(rest, 99.8)));
  CHECK(level(fit_normalisation({&stack}, robust_options("robust-range")), 0.5) ==
        doctest::Approx(percentile_of(rest, 99.9)));
  Stack clipped = clean;
  for (float& value : clipped.voxels) value = std::min(value, 1300.0F);
  CHECK(level(fit_normalisation({&clipped}, robust_options("percentile")), 1) == 1300);
}

TEST_CASE("robust-range begins at 0 for magnitudes, and at a percentile for values far from 0 or negative ones") {
  const Stack clean = scene();
  const auto shifted = [&](float offset) {
    Stack stack = clean;
    for (float& value : stack.voxels) value += offset;
    return fit_normalisation({&stack}, robust_options("robust-range"));
  };
  const std::vector<float> values = sorted(clean.voxels);
  CHECK(level(shifted(0), -0.5) == 0);
  CHECK(level(shifted(0), 0.5) == doctest::Approx(percentile_of(values, 99.9)));
  CHECK(level(shifted(20000), -0.5) == doctest::Approx(20000 + percentile_of(values, 0.1)));
  CHECK(level(shifted(-1000), -0.5) == doctest::Approx(-1000 + percentile_of(values, 0.1)).epsilon(1e-4));
}

TEST_CASE("the map follows the stack's offset and gain") {
  for (const std::string kind : {"percentile", "robust-range", "mean-std"}) {
    Stack stack = scene();
    std::vector<ExtremeValues> replaced;
    const Normalisation first = fit_levels({&stack}, kind, replaced);
    Stack other = scene();
    for (float& value : other.voxels) value = 0.25F * value + (kind == "robust-range" ? 0.0F : 20000.0F);
    const Normalisation second = fit_levels({&other}, kind, replaced);
    apply_normalisation(first, stack.voxels);
    apply_normalisation(second, other.voxels);
    for (std::size_t i = 0; i < stack.voxels.size(); ++i)
      CHECK(other.voxels[i] == doctest::Approx(stack.voxels[i]).epsilon(0.001));
  }
}
