// Batch assembly on the GPU against the references of its parts: windows that are cut step by step, and noise in double
// precision. tests/cuda/batches_cuda_test.cpp compares whole batches of every training method with the host's.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"
#include "kernels/gather_planes/cuda.h"
#include "kernels/gather_planes/gather_planes.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/conv3x3_cases.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

using device::PlannedPlane;
using device::PlannedSample;

constexpr int kHeight = 19, kWidth = 23;  // of the planes
constexpr int kPlanes = 11;               // channels: more than a group of eight
constexpr std::size_t kPixels = std::size_t{kHeight} * kWidth;

/// Some planes in device memory, and how each of three samples is cut out of them.
struct Batch {
  explicit Batch(const Augmentation& a) : augmentation(a), pixels(random_values(kPlanes * kPixels, 5)) {
    memory = to_device(std::span<const float>(pixels));
    for (std::uint32_t n = 0; n < 3; ++n) {
      samples.push_back({kHeight, kWidth, draw_sample(a, kHeight, kWidth, {3, Purpose::crop, 1, 2, n})});
      for (std::uint32_t c = 0; c < kPlanes; ++c)
        planes.push_back({memory.get() + c * kPixels, c % 3 == 0, {9, Purpose::noise_input, 0, n, c}});
    }
  }

  std::vector<float> gathered(const std::optional<PixelNoise>& noise, const PixelUnits& units) const {
    const CudaArray<PlannedSample> device_samples = to_device(std::span<const PlannedSample>(samples));
    const CudaArray<PlannedPlane> device_planes = to_device(std::span<const PlannedPlane>(planes));
    const DeviceCopy out(shape(), Precision::fp32);
    device::DeviceGather problem;
    problem.samples = device_samples.get();
    problem.planes = device_planes.get();
    problem.stride = kPlanes;
    problem.augmentation = augmentation;
    problem.noise = noise;
    problem.units = units;
    problem.out = out.tensor();
    device::gather_planes(problem, Precision::fp32, nullptr);
    CHECK(out.padding_is_zero());
    return out.values();
  }

  /// Noise is added to a whole plane, which is then cut. The fill gets none.
  std::vector<double> reference(const std::optional<PixelNoise>& noise, const PixelUnits& units) const {
    std::vector<double> batch(static_cast<std::size_t>(shape().elements()));
    for (std::size_t i = 0; i < planes.size(); ++i) {
      std::vector<float> plane(pixels.begin() + static_cast<std::ptrdiff_t>(i % kPlanes * kPixels),
                               pixels.begin() + static_cast<std::ptrdiff_t>((i % kPlanes + 1) * kPixels));
      for (std::uint32_t p = 0; noise && planes[i].noisy && p < kPixels; ++p) {
        const double clean = static_cast<float>((plane[p] - units.offset) / units.scale);
        plane[p] =
            static_cast<float>(with_noise_reference(*noise, clean, planes[i].key, p) * units.scale + units.offset);
      }
      const std::vector<float> window =
          gather_plane_reference({plane.data(), kHeight, kWidth, augmentation, samples[i / kPlanes].draw});
      for (std::size_t p = 0; p < window.size(); ++p)
        batch[(i / kPlanes * window.size() + p) * kPlanes + i % kPlanes] = double{window[p]};
    }
    return batch;
  }

  Shape shape() const { return {3, augmentation.crop_height, augmentation.crop_width, kPlanes}; }

  Augmentation augmentation;
  std::vector<float> pixels;
  CudaArray<float> memory;
  std::vector<PlannedSample> samples;
  std::vector<PlannedPlane> planes;
};

std::vector<Augmentation> augmentations() {
  return {{16, 16, 0, false, 0, false},
          {16, 16, 5, true, -0.5F, true},
          {12, 18, 4, false, -0.25F, true},
          {40, 33, 0, false, 0, false}};  // larger than the planes: continued by reflection
}

TEST_CASE("windows without noise are the reference's, bit for bit") {
  for (const Augmentation& augmentation : augmentations()) {
    CAPTURE(augmentation.crop_height);
    const Batch batch(augmentation);
    CHECK(converted<double>(batch.gathered({}, {})) == batch.reference({}, {}));
  }
}

TEST_CASE("windows with noise on some planes are the reference's, up to the rounding of logarithms and cosines") {
  const PixelUnits units{1.0 / 256, -0.5};
  for (const Augmentation& augmentation : augmentations())
    for (const PixelNoise& noise : {PixelNoise{0, 25}, {2, 0}, {0.5, 5}, {30, 1}}) {  // 0.5: means above 200 as well
      CAPTURE(augmentation.crop_height);
      CAPTURE(noise.gain);
      const Batch batch(augmentation);
      const std::vector<double> expected = batch.reference(noise, units);
      CHECK(nmse(batch.gathered(noise, units), expected) <= 1e-12);
      CHECK(nmse(batch.gathered({}, units), expected) > 1e-4);  // it is noisy at all
    }
}

TEST_CASE("tensors of another size, and more channels than planes, are refused") {
  const DeviceCopy out({1, 8, 8, 3}, Precision::fp32);
  device::DeviceGather problem;
  problem.augmentation = {8, 8, 0, false, 0, false};
  problem.stride = 2;
  problem.out = out.tensor();
  CHECK_THROWS_AS(device::gather_planes(problem, Precision::fp32, nullptr), Error);
  problem.stride = 3;
  problem.augmentation.crop_width = 9;
  CHECK_THROWS_AS(device::gather_planes(problem, Precision::fp32, nullptr), Error);
  problem.out = {};
  CHECK_THROWS_AS(device::gather_planes(problem, Precision::fp32, nullptr), Error);
}

}  // namespace
}  // namespace n2s::test
