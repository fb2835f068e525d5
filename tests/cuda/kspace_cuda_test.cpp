// Fourier transforms, undersampling and its post-processing on the GPU against the CPU's and against the references.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/fft/cufft.h"
#include "kernels/kspace/cuda.h"
#include "kernels/kspace/kspace.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

using device::DeviceFft2d;
using device::DeviceKspaceSampling;
using device::KspacePlane;

constexpr int kScanPlanes = 3;
constexpr PlaneSize kSizes[]{{16, 16}, {15, 15}, {16, 21}, {21, 16}, {1, 20}, {20, 1}, {2, 2}, {33, 40}};

RandomKey plane_draw(std::uint32_t plane) {
  return {19, Purpose::noise_input, 2, plane, 1};
}

std::vector<RandomKey> plane_draws() {
  std::vector<RandomKey> keys;
  for (std::uint32_t plane = 0; plane < kScanPlanes; ++plane) keys.push_back(plane_draw(plane));
  return keys;
}

/// A sampling whose probabilities are in device memory as well.
struct Sampling {
  Sampling(const PlaneSize& size, double rate)
      : host(kspace_sampling(size.height, size.width, rate)),
        probability(to_device(std::span<const float>(host.keep_probability))) {}
  DeviceKspaceSampling on_device() const { return {host.height, host.width, probability.get()}; }

  KspaceSampling host;
  CudaArray<float> probability;
};

std::vector<double> exact_plane(const std::vector<float>& stack, std::size_t pixels, std::size_t plane) {
  const auto begin = stack.begin() + static_cast<std::ptrdiff_t>(plane * pixels);
  return {begin, begin + static_cast<std::ptrdiff_t>(pixels)};
}

double largest_difference(const auto& a, const auto& b) {
  double largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest;
}

// Where cuFFT is not installed these tests are skipped, and doctest says so.
const bool kNoFft = !device::has_cufft();

TEST_CASE("transforms of several images at once are the definition, there and back" * doctest::skip(kNoFft)) {
  for (const PlaneSize& size : kSizes) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    DeviceFft2d fft(size.height, size.width, kScanPlanes);
    const std::size_t pixels = size.pixels();
    const std::size_t bins = fft.shape().size();
    const std::vector<float> images = random_values(kScanPlanes * pixels, 3);
    const CudaArray<float> on_device = to_device(std::span<const float>(images));
    const CudaArray<float2> spectra = cuda_array<float2>(kScanPlanes * bins);
    fft.forward(on_device.get(), spectra.get(), nullptr);
    const std::vector<float2> found = to_host(spectra.get(), kScanPlanes * bins);
    CHECK(to_host(on_device.get(), images.size()) == images);
    for (std::size_t plane = 0; plane < kScanPlanes; ++plane) {
      std::vector<std::complex<double>> spectrum;
      for (std::size_t i = 0; i < bins; ++i)
        spectrum.emplace_back(found[plane * bins + i].x, found[plane * bins + i].y);
      CHECK(largest_difference(spectrum, fft2d_reference(exact_plane(images, pixels, plane), fft.shape())) < 2e-4);
    }
    const CudaArray<float> back = cuda_array<float>(images.size());
    fft.inverse(spectra.get(), back.get(), nullptr);
    CHECK(largest_difference(to_host(back.get(), images.size()), images) < 1e-6);
    fft.forward(on_device.get(), spectra.get(), nullptr);
    fft.inverse_unscaled(spectra.get(), back.get(), nullptr);
    device::scale(back.get(), back.get(), images.size(), 1 / static_cast<float>(pixels), nullptr);
    CHECK(largest_difference(to_host(back.get(), images.size()), images) < 1e-6);
  }
}

TEST_CASE("a transform without pixels or images is refused" * doctest::skip(kNoFft)) {
  CHECK_THROWS_AS(DeviceFft2d(0, 4, 1), Error);
  CHECK_THROWS_AS(DeviceFft2d(4, 4, 0), Error);
}

TEST_CASE("masks are the CPU's, bit for bit, and weights are 1 / p") {
  for (const PlaneSize& size : kSizes)
    for (const double rate : {0.3, 0.7, 1.0}) {
      CAPTURE(size.height);
      CAPTURE(size.width);
      CAPTURE(rate);
      const Sampling sampling(size, rate);
      const std::size_t bins = sampling.host.keep_probability.size();
      const std::vector<float> values = random_values(2 * bins, 5);
      std::vector<float2> spectrum;
      for (std::size_t i = 0; i < bins; ++i) spectrum.push_back(make_float2(values[2 * i] + 2, values[2 * i + 1] - 2));
      const CudaArray<float2> on_device = to_device(std::span<const float2>(spectrum));
      std::vector<KspacePlane> planes;
      for (std::uint32_t plane = 0; plane < kScanPlanes; ++plane)
        planes.push_back({plane == 1 ? nullptr : on_device.get(), plane_draw(plane)});
      const CudaArray<KspacePlane> device_planes = to_device(std::span<const KspacePlane>(planes));
      const CudaArray<float2> weighted = cuda_array<float2>(kScanPlanes * bins);
      device::kspace_weight(sampling.on_device(), device_planes.get(), kScanPlanes, weighted.get(), nullptr);
      const std::vector<float2> found = to_host(weighted.get(), kScanPlanes * bins);
      std::size_t wrong = 0;
      for (std::uint32_t plane = 0; plane < kScanPlanes; ++plane) {
        const auto mask = kspace_mask(sampling.host, plane_draw(plane));
        for (std::size_t i = 0; i < bins; ++i) {
          const bool kept = plane != 1 && mask[i] != 0;  // plane 1 has no spectrum
          const float p = sampling.host.keep_probability[i];
          const float2 bin = found[plane * bins + i];
          if (bin.x != (kept ? spectrum[i].x / p : 0) || bin.y != (kept ? spectrum[i].y / p : 0)) ++wrong;
        }
      }
      CHECK(wrong == 0);
    }
}

TEST_CASE("the rate of masks drawn on the GPU is the requested one") {
  const PlaneSize size{101, 96};
  const Sampling sampling(size, 0.1);
  const std::size_t bins = sampling.host.keep_probability.size();
  const std::vector<float2> ones(bins, make_float2(1, 0));
  const CudaArray<float2> on_device = to_device(std::span<const float2>(ones));
  std::vector<KspacePlane> planes;
  for (std::uint32_t plane = 0; plane < 8; ++plane) planes.push_back({on_device.get(), plane_draw(plane)});
  const CudaArray<KspacePlane> device_planes = to_device(std::span<const KspacePlane>(planes));
  const CudaArray<float2> weighted = cuda_array<float2>(planes.size() * bins);
  device::kspace_weight(sampling.on_device(), device_planes.get(), static_cast<int>(planes.size()), weighted.get(),
                        nullptr);
  double kept = 0;
  double grid = 0;
  const std::vector<float2> found = to_host(weighted.get(), planes.size() * bins);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto x = i % static_cast<std::size_t>(size.width / 2 + 1);
    const double copies = x == 0 || x == static_cast<std::size_t>(size.width / 2) ? 1 : 2;
    grid += copies;
    if (found[i].x != 0) kept += copies;
  }
  CHECK(kept / grid == doctest::Approx(0.1).epsilon(0.03));
}

TEST_CASE("post-processing on the GPU is the CPU's" * doctest::skip(kNoFft)) {
  for (const PlaneSize& size : kSizes) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const Sampling sampling(size, size.pixels() < 16 ? 0.7 : 0.2);
    const Fft2d cpu_fft(size.height, size.width);
    DeviceFft2d fft(size.height, size.width, kScanPlanes);
    const std::size_t pixels = size.pixels();
    const std::size_t spectra = kScanPlanes * fft.shape().size();
    const std::vector<float> noisy = random_values(kScanPlanes * pixels, 7);
    const std::vector<float> output = random_values(kScanPlanes * pixels, 8);
    const std::vector<RandomKey> keys = plane_draws();
    const CudaArray<RandomKey> device_keys = to_device(std::span<const RandomKey>(keys));
    const CudaArray<float> device_noisy = to_device(std::span<const float>(noisy));
    const CudaArray<float> restored = to_device(std::span<const float>(output));
    const CudaArray<float2> measured = cuda_array<float2>(spectra);
    const CudaArray<float2> scratch = cuda_array<float2>(spectra);
    device::kspace_data_consistency(
        {sampling.on_device(), device_keys.get(), device_noisy.get(), restored.get(), measured.get(), scratch.get()},
        fft, nullptr);
    const std::vector<float> found = to_host(restored.get(), output.size());
    CHECK(to_host(device_noisy.get(), noisy.size()) == noisy);
    std::vector<float> expected = output;
    for (std::size_t plane = 0; plane < kScanPlanes; ++plane) {
      const auto mask = kspace_mask(sampling.host, keys[plane]);
      const auto reference = kspace_data_consistency_reference(sampling.host, mask, exact_plane(noisy, pixels, plane),
                                                               exact_plane(output, pixels, plane));
      CHECK(largest_difference(exact_plane(found, pixels, plane), reference) < 1e-5);
      kspace_data_consistency(cpu_fft, sampling.host, mask, std::span(noisy).subspan(plane * pixels, pixels),
                              std::span(expected).subspan(plane * pixels, pixels));
    }
    CHECK(largest_difference(found, expected) < 1e-5);
  }
}

TEST_CASE("post-processing with transforms of another size is refused" * doctest::skip(kNoFft)) {
  const Sampling sampling({16, 16}, 0.3);
  DeviceFft2d fft(16, 18, 1);
  CHECK_THROWS_AS(device::kspace_data_consistency({sampling.on_device()}, fft, nullptr), Error);
}

TEST_CASE("no planes and no values are no work") {
  device::kspace_weight({4, 4, nullptr}, nullptr, 0, nullptr, nullptr);
  device::scale(nullptr, nullptr, 0, 1, nullptr);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

}  // namespace
}  // namespace n2s::test
