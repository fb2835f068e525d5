// K-space data consistency of stacks on the GPU against the CPU, and the fallback to the CPU.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/devices/device.h"
#include "engine/inference/cuda/post_processing.h"
#include "engine/inference/post_processing.h"
#include "kernels/base/error.h"
#include "kernels/fft/cufft.h"
#include "tests/data/file_helpers.h"
#include "tests/kernels/random_image.h"
#ifdef N2S_EMULATION
#include "tests/cuda/every_call.h"
#endif

namespace n2s::test {
namespace {

const bool kNoFft = !device::has_cufft();
constexpr KspaceNoise kNoise{0.3};

Stack drawn_stack(int planes, const PlaneSize& size, std::uint64_t seed) {
  return {planes, size.height, size.width, random_values(static_cast<std::size_t>(planes) * size.pixels(), seed)};
}

Stack expected_stack(const Stack& noisy, const Stack& output) {
  ThreadPool pool(1);
  Stack restored = output;
  restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, restored, pool);
  return restored;
}

double largest_difference(const Stack& a, const Stack& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.voxels.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a.voxels[i]) - static_cast<double>(b.voxels[i]));
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest;
}

TEST_CASE("stacks are post-processed on the GPU as on the CPU" * doctest::skip(kNoFft)) {
  ThreadPool pool(1);
  const Device gpu = open_cuda({});
  for (const PlaneSize& size : {PlaneSize{16, 16}, {33, 40}, {21, 17}}) {
    const Stack noisy = drawn_stack(5, size, 1);
    const Stack output = drawn_stack(5, size, 2);
    const Stack expected = expected_stack(noisy, output);
    Stack found = output;
    CHECK(restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, found, *gpu.inference, pool).empty());
    CHECK(largest_difference(found, expected) < 1e-5);
    CHECK(found.voxels != output.voxels);
    Stack again = output;
    restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, again, *gpu.inference, pool);
    CHECK(again.voxels == found.voxels);
  }
}

TEST_CASE("some planes at a time, the last ones fewer" * doctest::skip(kNoFft)) {
  const PlaneSize size{18, 20};
  const Stack noisy = drawn_stack(7, size, 3);
  const Stack output = drawn_stack(7, size, 4);
  const KspaceSampling sampling = kspace_sampling(size.height, size.width, kNoise.rate);
  std::vector<RandomKey> keys(7);
  for (int plane = 0; plane < 7; ++plane)
    keys[static_cast<std::size_t>(plane)] = plane_key(5, Purpose::noise_input, 1, plane);
  for (const std::size_t limit : {std::size_t{1}, std::size_t{25'000}, std::size_t{1} << 30}) {
    CAPTURE(limit);
    Stack found = output;
    const CudaStream stream = cuda_stream();
    device::PostProcessing work(sampling, 7, limit, stream.get());
    work.run({sampling, keys, noisy.voxels, found.voxels});
    CHECK(largest_difference(found, expected_stack(noisy, output)) < 1e-5);
    CHECK_THROWS_AS(work.run({sampling, std::span(keys).first(6), noisy.voxels, found.voxels}), Error);
  }
}

TEST_CASE("the CPU backend uses the CPU, and other noise needs no data consistency") {
  ThreadPool pool(1);
  const Device cpu = open_cpu({.threads = 1});
  const Stack noisy = drawn_stack(3, {16, 18}, 6);
  const Stack output = drawn_stack(3, {16, 18}, 7);
  Stack found = output;
  CHECK(restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, found, *cpu.inference, pool).empty());
  CHECK(found.voxels == expected_stack(noisy, output).voxels);
  const Device gpu = open_cuda({});
  found = output;
  CHECK(restore_measured(GaussianNoise{1}, noisy, 5, Purpose::noise_input, 1, found, *gpu.inference, pool).empty());
  CHECK(found.voxels == output.voxels);
  found.voxels.pop_back();
  CHECK_THROWS_AS(restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, found, *gpu.inference, pool), Error);
}

#ifdef N2S_EMULATION  // a real GPU is what it is
TEST_CASE("without GPU memory the CPU does it and gives the reason") {
  ThreadPool pool(1);
  const Device gpu = open_cuda({});
  const Stack noisy = drawn_stack(3, {33, 40}, 8);
  const Stack output = drawn_stack(3, {33, 40}, 9);
  Stack found = output;
  emulation::set_memory_limit(emulation::bytes_allocated() + 1000);
  const std::string why = restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, found, *gpu.inference, pool);
  emulation::set_memory_limit(std::size_t{8} << 30);
  CHECK(contains(why, "memory"));
  CHECK(found.voxels == expected_stack(noisy, output).voxels);
}

TEST_CASE("any call may fail: an error, or the right result, and nothing is leaked") {
  ThreadPool pool(1);
  const Stack noisy = drawn_stack(3, {16, 18}, 10);
  const Stack output = drawn_stack(3, {16, 18}, 11);
  const Stack expected = expected_stack(noisy, output);
  const Device gpu = open_cuda({});
  check_every_call(6, [&] {
    Stack found = output;
    const bool by_host =
        !restore_measured(kNoise, noisy, 5, Purpose::noise_input, 1, found, *gpu.inference, pool).empty();
    CHECK(largest_difference(found, expected) < 1e-5);
    return by_host;
  });
}
#endif

}  // namespace
}  // namespace n2s::test
