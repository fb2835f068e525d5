// Metrics and normalisation of stacks on the GPU against the CPU, and the fallback to the CPU.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/cuda/cuda_memory.h"
#include "engine/devices/device.h"
#include "engine/inference/cuda/metrics.h"
#include "engine/inference/cuda/order_statistics.h"
#include "engine/inference/metrics.h"
#include "engine/inference/normalisation.h"
#include "kernels/base/error.h"
#include "tests/data/file_helpers.h"
#include "tests/data/metric_images.h"
#include "tests/kernels/random_image.h"
#ifdef N2S_EMULATION
#include "tests/cuda/every_call.h"
#endif

namespace n2s::test {
namespace {

struct StackPair {
  Stack result, truth;
};

StackPair drawn_pair(int planes, const PlaneSize& size) {
  StackPair pair{{planes, size.height, size.width, {}}, {planes, size.height, size.width, {}}};
  for (int plane = 0; plane < planes; ++plane) {
    const ImagePair images = metric_images(size.height, size.width, plane + 1);
    pair.result.voxels.insert(pair.result.voxels.end(), images.result.begin(), images.result.end());
    pair.truth.voxels.insert(pair.truth.voxels.end(), images.truth.begin(), images.truth.end());
  }
  return pair;
}

void check_near(double found, double expected) {
  CHECK(std::abs(found - expected) <= 1e-9 * std::abs(expected));
}

void check_same(const std::vector<PlaneMetrics>& found, const std::vector<PlaneMetrics>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t plane = 0; plane < found.size(); ++plane) {
    CAPTURE(plane);
    check_near(found[plane].psnr, expected[plane].psnr);
    check_near(found[plane].ssim, expected[plane].ssim);
    check_near(found[plane].nrmse, expected[plane].nrmse);
  }
}

/// The emulated device counts what is taken.
void check_peak([[maybe_unused]] std::size_t before, [[maybe_unused]] std::size_t limit) {
#ifdef N2S_EMULATION
  CHECK(emulation::peak_bytes() - before <= limit);
#endif
}

std::size_t start_peak() {
#ifdef N2S_EMULATION
  emulation::reset_peak();
  return emulation::bytes_allocated();
#else
  return 0;
#endif
}

TEST_CASE("metrics of stacks on the GPU are the CPU's, summaries too") {
  const Device gpu = open_cuda({});
  for (const PlaneSize& size : {PlaneSize{16, 16}, {33, 40}})
    for (const MetricOptions& options : all_metric_options()) {
      const StackPair pair = drawn_pair(4, size);
      std::string why;
      const StackMetrics found = stack_metrics(pair.result, pair.truth, options, *gpu.inference, why);
      const StackMetrics expected = stack_metrics(pair.result, pair.truth, options);
      CHECK(why.empty());
      check_same(found.per_plane, expected.per_plane);
      for (Summary StackMetrics::*of : {&StackMetrics::psnr, &StackMetrics::ssim, &StackMetrics::nrmse}) {
        check_near((found.*of).mean, (expected.*of).mean);
        check_near((found.*of).sd, (expected.*of).sd);
        check_near((found.*of).ci95, (expected.*of).ci95);
      }
    }
}

TEST_CASE("some planes at a time, within the limit, the last ones fewer") {
  const StackPair pair = drawn_pair(7, {30, 35});
  const MetricOptions options = all_metric_options().back();
  const std::vector<PlaneMetrics> expected = stack_metrics(pair.result, pair.truth, options).per_plane;
  const CudaStream stream = cuda_stream();
  for (const std::size_t limit : {std::size_t{10'000}, std::size_t{30'000}, std::size_t{1} << 30}) {
    CAPTURE(limit);
    std::vector<PlaneMetrics> found(7);
    std::string why;
    const std::size_t before = start_peak();
    REQUIRE(device::measure(PlaneComparison{pair.result, pair.truth, options, found}, limit, stream.get(), why));
    check_peak(before, limit);
    check_same(found, expected);
  }
  std::vector<PlaneMetrics> untouched(7);
  std::string why;
  CHECK_FALSE(device::measure(PlaneComparison{pair.result, pair.truth, options, untouched}, 5'000, stream.get(), why));
  CHECK(contains(why, "memory"));
  CHECK(untouched[0].psnr == 0);
}

TEST_CASE("stacks that cannot be compared give the same error on both") {
  const Device gpu = open_cuda({});
  const StackPair pair = drawn_pair(2, {16, 18});
  Stack other = pair.truth;
  other.width = 9;
  Stack cut = pair.truth;
  cut.voxels.resize(cut.voxels.size() - 2);
  MetricOptions no_range, crossed;
  no_range.data_range = 0;
  crossed.clamp = true;
  crossed.clamp_low = 1;
  const auto check_error = [&](const Stack& result, const Stack& truth, const MetricOptions& options) {
    std::string why;
    const std::string expected = error_of([&] { stack_metrics(result, truth, options); });
    CHECK(!expected.empty());
    CHECK(error_of([&] { stack_metrics(result, truth, options, *gpu.inference, why); }) == expected);
  };
  check_error(other, pair.truth, {});
  check_error(cut, pair.truth, {});
  check_error(cut, cut, {});
  check_error({}, {}, {});
  check_error(pair.result, pair.truth, no_range);
  check_error(pair.result, pair.truth, crossed);
}

/// Planes of several sizes; among the voxels are zeros of both signs, and equal ones.
std::vector<Stack> drawn_stacks() {
  std::vector<Stack> stacks{{3, 20, 17, random_values(1020, 1)}, {1, 16, 16, random_values(256, 2)}, {2, 5, 4, {}}};
  for (int i = 0; i < 40; ++i) stacks[2].voxels.push_back(i % 2 == 0 ? 0.0F : -0.0F);
  for (std::size_t i = 0; i < 300; ++i) stacks[0].voxels[i] = std::max(0.0F, stacks[0].voxels[i]);
  return stacks;
}

std::vector<const Stack*> pointers(const std::vector<Stack>& stacks) {
  std::vector<const Stack*> result;
  result.reserve(stacks.size());
  for (const Stack& stack : stacks) result.push_back(&stack);
  return result;
}

std::vector<NormalisationOptions> all_normalisations() {
  std::vector<NormalisationOptions> all;
  for (const char* kind : {"none", "range", "percentile", "mean-std"}) all.push_back({.kind = kind});
  for (const double percent : {0.0, 25.0, 45.0, 50.0})
    all.push_back({.kind = "percentile", .low_percentile = percent, .high_percentile = 100 - percent / 2});
  all.push_back({.kind = "range", .range_percentile = 99.99, .clip = true});
  return all;
}

TEST_CASE("datasets are normalised with the GPU's percentiles as with the CPU's, to the last bit") {
  const std::vector<Stack> stacks = drawn_stacks();
  const Device gpu = open_cuda({});
  for (const NormalisationOptions& options : all_normalisations()) {
    CAPTURE(options.kind);
    CAPTURE(options.low_percentile);
    std::string why;
    const nlohmann::json found = fit_normalisation(pointers(stacks), options, *gpu.inference, why);
    const nlohmann::json expected = fit_normalisation(pointers(stacks), options);
    CHECK(found.dump() == expected.dump());  // also the sign of 0
    CHECK(why.empty());
  }
  std::string why;
  CHECK_THROWS_AS(fit_normalisation(pointers(stacks), {.kind = "minmax"}, *gpu.inference, why), Error);
}

TEST_CASE("any number of order statistics, within the limit or not at all") {
  const std::vector<Stack> stacks = drawn_stacks();
  const std::vector<const Stack*> all = pointers(stacks);
  std::vector<std::size_t> ranks;
  for (std::size_t i = 0; i < 40; ++i) ranks.push_back(i * 131 % 1316);
  const CudaStream stream = cuda_stream();
  std::vector<float> found(ranks.size());
  std::string why;
  constexpr std::size_t kEnough = 300'000;
  const std::size_t before = start_peak();
  REQUIRE(device::measure(RankSearch{all, ranks, found}, kEnough, stream.get(), why));
  check_peak(before, kEnough);
  CHECK(found == order_statistics(all, ranks));
  CHECK_FALSE(device::measure(RankSearch{all, ranks, found}, 5'000, stream.get(), why));
  CHECK(contains(why, "memory"));
}

TEST_CASE("the CPU backend uses the CPU, without a reason") {
  const Device cpu = open_cpu({.threads = 1});
  const StackPair pair = drawn_pair(2, {16, 18});
  std::string why;
  CHECK(stack_metrics(pair.result, pair.truth, {}, *cpu.inference, why).psnr.mean ==
        stack_metrics(pair.result, pair.truth, {}).psnr.mean);
  CHECK(fit_normalisation({&pair.truth}, {.kind = "percentile"}, *cpu.inference, why).scale ==
        fit_normalisation({&pair.truth}, {.kind = "percentile"}).scale);
  CHECK(why.empty());
}

#ifdef N2S_EMULATION  // a real GPU is what it is
TEST_CASE("without GPU memory the CPU does it and gives the reason") {
  const Device gpu = open_cuda({});
  const StackPair pair = drawn_pair(2, {33, 40});
  std::string why_metrics, why_percentiles;
  emulation::set_memory_limit(emulation::bytes_allocated() + 1000);
  const StackMetrics found = stack_metrics(pair.result, pair.truth, {}, *gpu.inference, why_metrics);
  const Normalisation fitted =
      fit_normalisation({&pair.truth}, {.kind = "percentile"}, *gpu.inference, why_percentiles);
  emulation::set_memory_limit(std::size_t{8} << 30);
  CHECK(contains(why_metrics, "memory"));
  CHECK(contains(why_percentiles, "memory"));
  CHECK(found.psnr.mean == stack_metrics(pair.result, pair.truth, {}).psnr.mean);
  CHECK(fitted.scale == fit_normalisation({&pair.truth}, {.kind = "percentile"}).scale);
}

TEST_CASE("any call may fail while planes are measured") {
  const Device gpu = open_cuda({});
  const StackPair pair = drawn_pair(2, {16, 18});
  const MetricOptions options = all_metric_options().back();
  const StackMetrics expected = stack_metrics(pair.result, pair.truth, options);
  check_every_call(3, [&] {
    std::string why;
    check_same(stack_metrics(pair.result, pair.truth, options, *gpu.inference, why).per_plane, expected.per_plane);
    return !why.empty();
  });
}

TEST_CASE("any call may fail while percentiles are found") {
  const Device gpu = open_cuda({});
  const std::vector<Stack> stacks = drawn_stacks();
  const NormalisationOptions options{.kind = "percentile"};
  const Normalisation expected = fit_normalisation(pointers(stacks), options);
  check_every_call(3, [&] {
    std::string why;
    const Normalisation found = fit_normalisation(pointers(stacks), options, *gpu.inference, why);
    CHECK(found.scale == expected.scale);
    CHECK(found.offset == expected.offset);
    return !why.empty();
  });
}
#endif

}  // namespace
}  // namespace n2s::test
