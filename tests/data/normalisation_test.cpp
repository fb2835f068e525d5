// The affine map: fitted against numpy's percentiles (metric_fixtures.h), there and back, stored, and its complaints.
#include "data/normalisation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/base/error.h"
#include "tests/data/metric_fixtures.h"
#include "tests/data/metric_images.h"

using namespace n2s;

namespace {

Stack row_of(std::vector<float> voxels) {
  Stack stack{1, 1, static_cast<int>(voxels.size()), {}};
  stack.voxels = std::move(voxels);
  return stack;
}

NormalisationOptions of_kind(const std::string& kind) {
  NormalisationOptions options;
  options.kind = kind;
  return options;
}

std::string message_of(const Stack& stack, const NormalisationOptions& options) {
  try {
    fit_normalisation({&stack}, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("percentiles equal numpy's") {
  for (const PercentileFixture& want : kPercentileFixtures) {
    CAPTURE(want.count);
    CAPTURE(want.percent);
    std::vector<float> values;
    for (const int value : hashed(want.count, want.seed)) values.push_back(static_cast<float>(value) / 64.0F - 4.0F);
    CHECK(std::abs(percentile(values, want.percent) - want.value) < 1e-13);
  }
  std::vector<float> one{3};
  CHECK(percentile(one, 50) == 3);
  CHECK_THROWS_AS(percentile({}, 50), Error);
  CHECK_THROWS_AS(percentile(one, 101), Error);
  CHECK_THROWS_AS(percentile(one, std::nan("")), Error);
}

TEST_CASE("order statistics are those of the sorted voxels of all stacks, in any order, -0 as 0") {
  const Stack first = row_of({4, -0.0F, 9, 2}), second = row_of({2, -7, 0});
  const std::vector<std::size_t> ranks{6, 0, 3, 3, 1, 2, 5, 4};
  const std::vector<float> found = order_statistics({&first, &second}, ranks);
  CHECK(found == std::vector<float>{9, -7, 2, 2, 0, 0, 4, 2});
  CHECK(!std::signbit(found[4]));
  CHECK(!std::signbit(found[5]));
  CHECK(order_statistics({&first}, {}).empty());
  const std::vector<std::size_t> beyond{4};
  CHECK_THROWS_AS(order_statistics({&first}, beyond), Error);
}

TEST_CASE("percentiles come from whoever finds the order statistics") {
  const Stack first = row_of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), second = row_of({11, 12});
  std::vector<std::size_t> asked;
  const OrderStatistics find = [&](const std::vector<const Stack*>& stacks, std::span<const std::size_t> ranks) {
    asked.assign(ranks.begin(), ranks.end());
    return order_statistics(stacks, ranks);
  };
  NormalisationOptions options = of_kind("percentile");
  options.low_percentile = 20;
  options.high_percentile = 100;
  const Normalisation found = fit_normalisation({&first, &second}, options, find);
  CHECK(asked == std::vector<std::size_t>{2, 3, 12, 12});
  CHECK(found.scale == fit_normalisation({&first, &second}, options).scale);
  asked.clear();
  fit_normalisation({&first, &second}, of_kind("range"), find);  // the maximum is known
  CHECK(asked.empty());
}

TEST_CASE("range: the maximum of all stacks becomes 0.5, and 0 becomes -0.5") {
  const Stack first = row_of({0, 50, 100}), second = row_of({400, 20});
  NormalisationOptions options = of_kind("range");
  const Normalisation fitted = fit_normalisation({&first, &second}, options);
  CHECK(fitted.kind == "range");
  std::vector<float> values{0, 100, 400, 500, -100};
  apply_normalisation(fitted, values);
  CHECK(values == std::vector<float>{-0.5F, -0.25F, 0.5F, 0.75F, -0.75F});

  options.clip = true;
  const Normalisation clipped = fit_normalisation({&first, &second}, options);
  std::vector<float> limited{0, 500, -100};
  apply_normalisation(clipped, limited);
  CHECK(limited == std::vector<float>{-0.5F, 0.5F, -0.5F});
  std::vector<float> unlimited{500};
  apply_normalisation(clipped, unlimited, false);
  CHECK(unlimited[0] == 0.75F);

  options.range_percentile = 50;  // of 0 20 50 100 400
  CHECK(fit_normalisation({&first, &second}, options).scale == doctest::Approx(1.0 / 50));
}

TEST_CASE("percentile and mean-std pool the stacks") {
  std::vector<float> low_half, high_half;
  for (int i = 0; i <= 500; ++i) low_half.push_back(static_cast<float>(i));
  for (int i = 1000; i > 500; --i) high_half.push_back(static_cast<float>(i));
  const Stack first = row_of(low_half), second = row_of(high_half);
  const Normalisation percentiles = fit_normalisation({&first, &second}, of_kind("percentile"));
  std::vector<float> values{30, 998};
  apply_normalisation(percentiles, values);
  CHECK(values[0] == doctest::Approx(0).epsilon(1e-6));
  CHECK(values[1] == doctest::Approx(1).epsilon(1e-6));

  const Normalisation standard = fit_normalisation({&first, &second}, of_kind("mean-std"));
  CHECK(1 / standard.scale == doctest::Approx(std::sqrt((1001.0 * 1001 - 1) / 12)));
  CHECK(-standard.offset / standard.scale == doctest::Approx(500));
}

TEST_CASE("none changes nothing, and every kind can be undone") {
  const Stack stack = row_of({12, -3, 7.5F, 1000, 44});
  for (const std::string kind : {"none", "range", "percentile", "mean-std"}) {
    CAPTURE(kind);
    const Normalisation fitted = fit_normalisation({&stack}, of_kind(kind));
    std::vector<float> values = stack.voxels;
    apply_normalisation(fitted, values);
    if (kind == "none") CHECK(values == stack.voxels);
    undo_normalisation(fitted, values);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(std::abs(values[i] - stack.voxels[i]) < 1e-4F);
  }
}

TEST_CASE("what cannot be fitted says why") {
  CHECK(message_of(row_of({7, 7, 7}), of_kind("range")) == "every voxel is 7: there is nothing to learn from");
  CHECK(message_of(row_of({}), of_kind("range")) == "there are no voxels to normalise");
  CHECK(message_of(row_of({1, std::nanf("")}), of_kind("percentile")).find("NaN") != std::string::npos);
  CHECK(message_of(row_of({-1, -2}), of_kind("range")).find("not above 0") != std::string::npos);
  CHECK(message_of(row_of({1, 2}), of_kind("minmax")).find("\"minmax\"") != std::string::npos);
  std::vector<float> background(10000, 5.0F);
  background[0] = 9;
  CHECK(message_of(row_of(background), of_kind("percentile")).find("are both 5") != std::string::npos);
  NormalisationOptions options = of_kind("percentile");
  options.low_percentile = 99.9;
  CHECK(message_of(row_of({1, 2}), options).find("not below") != std::string::npos);
  options.low_percentile = -1;
  CHECK(message_of(row_of({1, 2}), options).find("from 0 to 100") != std::string::npos);
}

TEST_CASE("stored and read back") {
  Normalisation written{"percentile", 1.0 / 3, -0.1, 0.0, std::nullopt};
  const nlohmann::json json = written;
  const auto read = nlohmann::json::parse(json.dump()).get<Normalisation>();
  CHECK(read.kind == written.kind);
  CHECK(read.scale == written.scale);
  CHECK(read.offset == written.offset);
  CHECK(read.clip_low == written.clip_low);
  CHECK(!read.clip_high);
}

TEST_CASE("a damaged description is an error") {
  for (const char* text : {
           "[]",
           R"({"scale": 1, "offset": 0})",
           R"({"kind": 3, "scale": 1, "offset": 0})",
           R"({"kind": "none", "offset": 0})",
           R"({"kind": "none", "scale": 1})",
           R"({"kind": "none", "scale": 0, "offset": 0})",
           R"({"kind": "none", "scale": null, "offset": 0})",
           R"({"kind": "none", "scale": "1", "offset": 0})",
           R"({"kind": "none", "scale": 1, "offset": 0, "clip_low": "a"})",
           R"({"kind": "none", "scale": 1, "offset": 0, "clip_low": 1, "clip_high": 0})",
       }) {
    CAPTURE(text);
    CHECK_THROWS_AS(nlohmann::json::parse(text).get<Normalisation>(), Error);
  }
  nlohmann::json infinite = Normalisation{};
  infinite["offset"] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(infinite.get<Normalisation>(), Error);
}

TEST_CASE("NaN and infinite voxels are counted, and the first is found") {
  Stack stack{2, 3, 4, std::vector<float>(24, 1.0F)};
  CHECK_NOTHROW(check_finite(stack, "a.tif"));
  stack.voxels[12 + 4 + 2] = std::nanf("");
  stack.voxels[23] = -std::numeric_limits<float>::infinity();
  std::string message;
  try {
    check_finite(stack, "a.tif");
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message ==
        "a.tif: 2 of 24 voxels are NaN or infinite, the first at plane 1, row 1, column 2 (from 0); replace them, e.g. "
        "by 0 or the background value");
}
