// Metrics against scikit-image's numbers (metric_fixtures.h), and the corners that no reference covers.
#include "data/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/base/error.h"
#include "tests/data/metric_fixtures.h"
#include "tests/data/metric_images.h"

using namespace n2s;

namespace {

Stack stack_of(int planes, int height, int width, bool result) {
  Stack stack{planes, height, width, {}};
  for (int plane = 0; plane < planes; ++plane) {
    const ImagePair pair = metric_images(height, width, plane + 1);
    const std::vector<float>& image = result ? pair.result : pair.truth;
    stack.voxels.insert(stack.voxels.end(), image.begin(), image.end());
  }
  return stack;
}

}  // namespace

TEST_CASE("metrics equal scikit-image's") {
  for (const MetricFixture& want : kMetricFixtures) {
    CAPTURE(want.seed);
    const ImagePair pair = metric_images(want.height, want.width, want.seed);
    MetricOptions options;
    options.clamp = want.clamp;
    options.affine = want.affine;
    options.data_range = want.range;
    const PlaneMetrics got = plane_metrics(pair.result, pair.truth, want.height, want.width, options);
    CHECK(std::abs(got.psnr - want.psnr) < 1e-9);
    CHECK(std::abs(got.ssim - want.ssim) < 1e-9);
    CHECK(std::abs(got.nrmse - want.nrmse) < 1e-9);
  }
}

TEST_CASE("identical images: PSNR infinite, SSIM 1, NRMSE 0, and null in JSON") {
  const Stack truth = stack_of(2, 9, 12, false);
  const StackMetrics metrics = stack_metrics(truth, truth);
  CHECK(std::isinf(metrics.psnr.mean));
  CHECK(metrics.ssim.mean == doctest::Approx(1).epsilon(1e-12));
  CHECK(metrics.nrmse.mean == 0);
  const nlohmann::json json = metrics_json(metrics, {});
  CHECK(json["psnr"].is_null());
  CHECK(json["sd"]["psnr"].is_null());
  CHECK(json["per_plane"]["psnr"] == nlohmann::json::parse("[null, null]"));
}

TEST_CASE("planes below the window have no SSIM, but the others") {
  const ImagePair pair = metric_images(6, 40, 1);
  const PlaneMetrics metrics = plane_metrics(pair.result, pair.truth, 6, 40);
  CHECK(std::isnan(metrics.ssim));
  CHECK(metrics.psnr > 0);
  CHECK(metrics.nrmse > 0);
}

TEST_CASE("the affine map: exact for an affine result, the truth's mean for a constant one") {
  const ImagePair pair = metric_images(16, 16, 3);
  MetricOptions options;
  options.affine = true;
  std::vector<float> result;
  for (const float value : pair.truth) result.push_back(value * -4.0F + 32.0F);
  const PlaneMetrics exact = plane_metrics(result, pair.truth, 16, 16, options);
  CHECK(exact.psnr > 250);
  CHECK(exact.ssim == doctest::Approx(1).epsilon(1e-9));

  const std::vector<float> constant(256, 0.1F);
  double mean = 0, squares = 0;
  for (const float value : pair.truth) mean += value / 256.0;
  for (const float value : pair.truth) squares += (value - mean) * (value - mean) / 256;
  CHECK(plane_metrics(constant, pair.truth, 16, 16, options).psnr == doctest::Approx(-10 * std::log10(squares)));
}

TEST_CASE("a truth of zeros") {
  const std::vector<float> zeros(64, 0.0F), ones(64, 1.0F);
  CHECK(plane_metrics(zeros, zeros, 8, 8).nrmse == 0);
  CHECK(std::isinf(plane_metrics(ones, zeros, 8, 8).nrmse));
  CHECK(plane_metrics(ones, zeros, 8, 8).psnr == 0);
}

TEST_CASE("a voxel that is NaN shows in every number") {
  ImagePair pair = metric_images(8, 8, 1);
  pair.result[9] = std::nanf("");
  const PlaneMetrics metrics = plane_metrics(pair.result, pair.truth, 8, 8);
  CHECK(std::isnan(metrics.psnr));
  CHECK(std::isnan(metrics.ssim));
  CHECK(std::isnan(metrics.nrmse));
}

TEST_CASE("a stack is summarised over its planes") {
  const StackMetrics metrics = stack_metrics(stack_of(3, 31, 47, true), stack_of(3, 31, 47, false));
  REQUIRE(metrics.per_plane.size() == 3);
  const ImagePair second = metric_images(31, 47, 2);
  CHECK(metrics.per_plane[1].psnr == plane_metrics(second.result, second.truth, 31, 47).psnr);
  const double a = metrics.per_plane[0].psnr, b = metrics.per_plane[1].psnr, c = metrics.per_plane[2].psnr;
  const double mean = (a + b + c) / 3;
  const double sd = std::sqrt(((a - mean) * (a - mean) + (b - mean) * (b - mean) + (c - mean) * (c - mean)) / 2);
  CHECK(metrics.psnr.mean == doctest::Approx(mean));
  CHECK(metrics.psnr.sd == doctest::Approx(sd));
  CHECK(metrics.psnr.ci95 == doctest::Approx(1.96 * sd / std::sqrt(3.0)));
  const StackMetrics single = stack_metrics(stack_of(1, 9, 9, true), stack_of(1, 9, 9, false));
  CHECK(single.psnr.sd == 0);
  CHECK(single.psnr.mean == single.per_plane[0].psnr);
}

TEST_CASE("each number says how it was made") {
  MetricOptions options;
  CHECK(describe(options) == "data range 1, no clamp, no affine map, mean over planes");
  options.clamp = options.affine = true;
  CHECK(describe(options) ==
        "data range 1, both clamped to [-0.5, 0.5], result affinely mapped onto the truth per plane, mean over planes");
  const StackMetrics metrics = stack_metrics(stack_of(2, 9, 12, true), stack_of(2, 9, 12, false), options);
  const nlohmann::json json = metrics_json(metrics, options);
  CHECK(json["psnr"] == metrics.psnr.mean);
  CHECK(json["ci95"]["ssim"] == metrics.ssim.ci95);
  CHECK(json["planes"] == 2);
  CHECK(json["per_plane"]["nrmse"][1] == metrics.per_plane[1].nrmse);
  CHECK(json["how"] ==
        nlohmann::json::parse(
            R"({"range": 1.0, "clamp": [-0.5, 0.5], "affine": true, "aggregation": "mean over planes"})"));
  CHECK(metrics_json(metrics, {})["how"]["clamp"].is_null());
}

TEST_CASE("sizes and options that make no sense are errors") {
  const Stack truth = stack_of(2, 9, 12, false);
  CHECK_THROWS_AS(stack_metrics(stack_of(2, 12, 9, false), truth), Error);
  CHECK_THROWS_AS(stack_metrics(stack_of(1, 9, 12, false), truth), Error);
  CHECK_THROWS_AS(stack_metrics(Stack{}, Stack{}), Error);
  Stack short_one = truth;
  short_one.voxels.resize(108);
  CHECK_THROWS_AS(stack_metrics(short_one, truth), Error);
  CHECK_THROWS_AS(stack_metrics(short_one, short_one), Error);
  CHECK_THROWS_AS(plane_metrics({}, {}, 0, 4), Error);
  MetricOptions options;
  options.data_range = 0;
  CHECK_THROWS_AS(stack_metrics(truth, truth, options), Error);
  options = {};
  options.clamp = true;
  options.clamp_low = 2;
  CHECK_THROWS_AS(stack_metrics(truth, truth, options), Error);
}
