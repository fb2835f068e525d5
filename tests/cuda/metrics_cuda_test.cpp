// Metrics and percentiles on the GPU, and on the CPU (data/), against the references. tests/data compares the CPU's
// with scikit-image's and numpy's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/metrics.h"
#include "data/normalisation.h"
#include "kernels/base/error.h"
#include "kernels/base/percentile.h"
#include "kernels/metrics/cuda.h"
#include "kernels/metrics/reference.h"
#include "kernels/percentile/cuda.h"
#include "kernels/percentile/reference.h"
#include "tests/cuda/device_memory.h"
#include "tests/data/metric_images.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

namespace n2s::test {
namespace {

struct Measured {
  std::vector<PlaneMetrics> planes;
  std::vector<AffineMap> maps;
};

Measured on_gpu(const std::vector<float>& result, const std::vector<float>& truth, int height, int width,
                const MetricOptions& o) {
  const int planes = static_cast<int>(truth.size()) / (height * width);
  const auto count = static_cast<std::size_t>(planes);
  const CudaArray<float> device_result = to_device(std::span<const float>(result));
  const CudaArray<float> device_truth = to_device(std::span<const float>(truth));
  const CudaArray<MetricSums> sums = cuda_array<MetricSums>(count);
  const CudaArray<AffineMap> maps = cuda_array<AffineMap>(count);
  const CudaArray<std::byte> scratch =
      cuda_array<std::byte>(device::image_metrics_scratch_bytes(planes, height, width));
  device::image_metrics({device_result.get(),
                         device_truth.get(),
                         planes,
                         height,
                         width,
                         {o.affine, o.clamp, o.clamp_low, o.clamp_high, o.data_range},
                         sums.get(),
                         maps.get(),
                         scratch.get()},
                        nullptr);
  Measured measured{{}, to_host(maps.get(), count)};
  for (const MetricSums& plane : to_host(sums.get(), count))
    measured.planes.push_back(metrics_of(plane, height, width, o.data_range));
  return measured;
}

bool same(double found, double expected) {
  if (std::isnan(expected) || std::isinf(expected))
    return std::isnan(found) == std::isnan(expected) || found == expected;
  return std::abs(found - expected) < 1e-6;
}

bool same(const PlaneMetrics& found, const PlaneMetrics& expected) {
  return same(found.psnr, expected.psnr) && same(found.ssim, expected.ssim) && same(found.nrmse, expected.nrmse);
}

void check_against_reference(const std::vector<float>& result, const std::vector<float>& truth, int height, int width,
                             const MetricOptions& o) {
  const Measured found = on_gpu(result, truth, height, width, o);
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  for (std::size_t plane = 0; plane < found.planes.size(); ++plane) {
    CAPTURE(height);
    CAPTURE(width);
    CAPTURE(plane);
    const auto of_result = std::span(result).subspan(plane * pixels, pixels);
    const auto of_truth = std::span(truth).subspan(plane * pixels, pixels);
    const MetricsReference reference{of_result, of_truth,    height,       width,       o.affine,
                                     o.clamp,   o.clamp_low, o.clamp_high, o.data_range};
    const PlaneMetrics expected = metrics_of(metric_sums_reference(reference), height, width, o.data_range);
    CHECK(same(found.planes[plane], expected));
    CHECK(same(plane_metrics(of_result, of_truth, height, width, o), expected));
    const AffineMap map = affine_map_reference(reference);
    CHECK(found.maps[plane].alpha == doctest::Approx(map.alpha).epsilon(1e-10));
    CHECK(found.maps[plane].beta == doctest::Approx(map.beta).epsilon(1e-10));
  }
}

TEST_CASE("metrics of several planes are the reference's, for sizes of every kind") {
  std::vector<PlaneSize> sizes{{1, 1},   {3, 40},  {40, 3},  {6, 7},   {7, 6},     {7, 7},
                               {22, 22}, {23, 22}, {22, 23}, {31, 47}, {128, 101}, {16, 300}};
  if (kSanitized) sizes = {{1, 1}, {7, 7}, {23, 39}};
  for (const PlaneSize& size : sizes)
    for (const MetricOptions& options : all_metric_options()) {
      std::vector<float> result, truth;
      for (const int seed : {1, 2, 3}) {
        const ImagePair pair = metric_images(size.height, size.width, seed);
        result.insert(result.end(), pair.result.begin(), pair.result.end());
        truth.insert(truth.end(), pair.truth.begin(), pair.truth.end());
      }
      check_against_reference(result, truth, size.height, size.width, options);
    }
}

TEST_CASE("the affine map is found, and gives a constant image the truth's mean") {
  const ImagePair pair = metric_images(40, 37, 5);
  std::vector<float> result;
  for (const float value : pair.truth) result.push_back(value * -4.0F + 32.0F);
  MetricOptions options;
  options.affine = true;
  const Measured exact = on_gpu(result, pair.truth, 40, 37, options);
  CHECK(exact.maps[0].alpha == doctest::Approx(-0.25).epsilon(1e-12));
  CHECK(exact.maps[0].beta == doctest::Approx(8).epsilon(1e-12));
  CHECK(exact.planes[0].psnr > 250);
  const std::vector<float> constant(pair.truth.size(), 0.1F);
  double mean = 0;
  for (const float value : pair.truth) mean += value / static_cast<double>(pair.truth.size());
  const Measured flat = on_gpu(constant, pair.truth, 40, 37, options);
  CHECK(flat.maps[0].alpha == 0);
  CHECK(flat.maps[0].beta == doctest::Approx(mean).epsilon(1e-12));
  check_against_reference(constant, pair.truth, 40, 37, options);
  options.affine = false;
  CHECK(on_gpu(constant, pair.truth, 40, 37, options).maps[0].alpha == 1);
}

TEST_CASE("identical images, zeros and NaN") {
  const ImagePair pair = metric_images(20, 20, 4);
  const std::vector<float> zeros(400), ones(400, 1.0F);
  std::vector<float> holed = pair.result;
  holed[399] = NAN;
  const Measured identical = on_gpu(pair.truth, pair.truth, 20, 20, {});
  CHECK(std::isinf(identical.planes[0].psnr));
  CHECK(identical.planes[0].ssim == doctest::Approx(1).epsilon(1e-12));
  CHECK(identical.planes[0].nrmse == 0);
  CHECK(on_gpu(zeros, zeros, 20, 20, {}).planes[0].nrmse == 0);
  CHECK(std::isinf(on_gpu(ones, zeros, 20, 20, {}).planes[0].nrmse));
  for (const MetricOptions& options : all_metric_options()) {
    const PlaneMetrics damaged = on_gpu(holed, pair.truth, 20, 20, options).planes[0];
    CHECK(std::isnan(damaged.psnr));
    CHECK(std::isnan(damaged.ssim));
    CHECK(std::isnan(damaged.nrmse));
  }
}

TEST_CASE("metrics are the same from run to run, and of a plane alone") {
  const ImagePair first = metric_images(70, 75, 1);
  const ImagePair second = metric_images(70, 75, 2);
  std::vector<float> result = first.result, truth = first.truth;
  result.insert(result.end(), second.result.begin(), second.result.end());
  truth.insert(truth.end(), second.truth.begin(), second.truth.end());
  const MetricOptions options = all_metric_options()[3];
  const Measured together = on_gpu(result, truth, 70, 75, options);
  const Measured again = on_gpu(result, truth, 70, 75, options);
  const Measured alone = on_gpu(second.result, second.truth, 70, 75, options);
  CHECK(together.planes[1].psnr == again.planes[1].psnr);
  CHECK(together.planes[1].ssim == again.planes[1].ssim);
  CHECK(together.planes[1].psnr == alone.planes[0].psnr);
  CHECK(together.planes[1].ssim == alone.planes[0].ssim);
}

TEST_CASE("no planes and no pixels are refused") {
  device::DeviceImageMetrics problem;
  CHECK_THROWS_AS(device::image_metrics(problem, nullptr), Error);
  problem.planes = 65536;
  problem.height = problem.width = 8;
  CHECK_THROWS_AS(device::image_metrics(problem, nullptr), Error);
  problem.planes = 1;
  problem.height = 0;
  CHECK_THROWS_AS(device::image_metrics(problem, nullptr), Error);
}

std::vector<float> found_at(const std::vector<float>& values, const std::vector<std::size_t>& ranks) {
  const CudaArray<float> on_device = to_device(std::span<const float>(values));
  const CudaArray<float> found = cuda_array<float>(ranks.size());
  const CudaArray<std::byte> scratch =
      cuda_array<std::byte>(device::order_statistics_scratch_bytes(static_cast<int>(ranks.size())));
  device::order_statistics(on_device.get(), values.size(), ranks, found.get(), scratch.get(), nullptr);
  return to_host(found.get(), ranks.size());
}

double percentile_on_gpu(const std::vector<float>& values, double percent) {
  const PercentilePosition position = percentile_position(values.size(), percent);
  const std::vector<float> found = found_at(values, {position.below, std::min(position.below + 1, values.size() - 1)});
  return between(found[0], found[1], position.part);
}

TEST_CASE("percentiles are the reference's, exactly") {
  std::vector<std::size_t> counts{1, 2, 3, 255, 256, 1001, 65536, 65537, 150001};
  if (kSanitized) counts = {1, 2, 1001};
  for (const std::size_t count : counts) {
    std::vector<float> spread = random_values(count, 11);  // both signs, every order of magnitude
    for (std::size_t i = 0; i < count; ++i) spread[i] *= std::ldexp(1.0F, static_cast<int>(i % 200) - 100);
    std::vector<float> few = random_values(count, 12);  // many equal ones, zeros of both signs among them
    for (float& value : few) value = std::round(3 * value) / 3;
    std::vector<float> negative = random_values(count, 13);
    for (float& value : negative) value -= 2;
    for (const std::vector<float>& values : {spread, few, negative, std::vector<float>(count, -0.75F)})
      for (const double percent : {0.0, 0.1, 3.0, 25.0, 50.0, 99.8, 100.0}) {
        CAPTURE(count);
        CAPTURE(percent);
        const double expected = percentile_reference(values, percent);
        CHECK(percentile_on_gpu(values, percent) == expected);
        std::vector<float> copy = values;
        CHECK(percentile(copy, percent) == expected);
      }
  }
}

TEST_CASE("any rank is found, many at once, at the ends of the floats' range too") {
  const std::vector<float> values{3.4e38F, -3.4e38F, 1e-45F, -1e-45F,    0.0F,
                                  -0.0F,   1.0F,     -1.0F,  1.0000001F, 0.99999994F};
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < values.size(); ++i) ranks.push_back(i);
  const std::vector<float> found = found_at(values, ranks);
  for (const std::size_t rank : ranks) CHECK(found[rank] == order_statistic_reference(values, rank));
  CHECK(!std::signbit(found_at({-0.0F}, {0})[0]));
}

TEST_CASE("ranks that do not exist are refused") {
  const std::vector<float> values{1, 2, 3};
  CHECK_THROWS_AS(found_at(values, {3}), Error);
  CHECK_THROWS_AS(found_at(values, {}), Error);
  CHECK_THROWS_AS(found_at(values, std::vector<std::size_t>(17)), Error);
}

}  // namespace
}  // namespace n2s::test
