// Normalisation and its inverse on the GPU, and on the CPU (data/normalisation.h), against the reference: bit for bit.
#include <doctest/doctest.h>

#include <cmath>

#include "data/normalisation.h"
#include "kernels/normalise/cuda.h"
#include "kernels/normalise/reference.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

/// Around zero, at both ends of the floats' range, infinite, and of every common magnitude.
std::vector<float> awkward_values() {
  std::vector<float> values{0.0F, -0.0F, INFINITY, -INFINITY, 3.4e38F, -3.4e38F, 1e-45F, 0.49999997F};
  for (const float value : random_values(500, 3)) values.insert(values.end(), {value, 300 * value, 1e5F * value});
  return values;
}

struct Case {
  double scale, offset;
  bool clips;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const bool clips : {false, true})
    for (const double scale : {1.0, 1 / 4095.0, 1 / 613.7, -0.3})
      for (const double offset : {0.0, -0.1234}) all.push_back({scale, offset, clips});
  return all;
}

Normalisation of_host(const Case& c) {
  Normalisation normalisation;
  normalisation.scale = c.scale;
  normalisation.offset = c.offset;
  if (c.clips) normalisation.clip_low = -0.5, normalisation.clip_high = 0.7;
  return normalisation;
}

TEST_CASE("normalised values are the reference's, clipped or not") {
  const std::vector<float> voxels = awkward_values();
  for (const Case& c : cases()) {
    CAPTURE(c.scale);
    CAPTURE(c.clips);
    const NormaliseReference map{c.scale, c.offset, c.clips ? -0.5 : -INFINITY, c.clips ? 0.7 : INFINITY};
    std::vector<float> expected = voxels;
    for (float& voxel : expected) voxel = static_cast<float>(normalise_reference(map, voxel));
    const CudaArray<float> on_device = to_device(std::span<const float>(voxels));
    device::DeviceNormalise problem{on_device.get(), voxels.size(), c.scale, c.offset};
    if (c.clips) problem.clip_low = -0.5, problem.clip_high = 0.7;
    device::normalise(problem, nullptr);
    CHECK(to_host(on_device.get(), voxels.size()) == expected);
    std::vector<float> on_host = voxels;
    apply_normalisation(of_host(c), on_host);
    CHECK(on_host == expected);
  }
}

TEST_CASE("voxels are the reference's") {
  const std::vector<float> values = awkward_values();
  for (const Case& c : cases()) {
    if (c.clips) continue;  // nothing is clipped on the way back
    CAPTURE(c.scale);
    std::vector<float> expected = values;
    for (float& value : expected) value = static_cast<float>(denormalise_reference({c.scale, c.offset, 0, 0}, value));
    const CudaArray<float> on_device = to_device(std::span<const float>(values));
    device::denormalise({on_device.get(), values.size(), c.scale, c.offset}, nullptr);
    CHECK(to_host(on_device.get(), values.size()) == expected);
    std::vector<float> on_host = values;
    undo_normalisation(of_host(c), on_host);
    CHECK(on_host == expected);
  }
}

TEST_CASE("NaN stays NaN, clipped or not") {
  const float nan = NAN;
  for (const bool clips : {false, true}) {
    const CudaArray<float> on_device = to_device(std::span<const float>(&nan, 1));
    device::DeviceNormalise problem{on_device.get(), 1, 0.5, 0.1};
    if (clips) problem.clip_low = -0.5, problem.clip_high = 0.7;
    device::normalise(problem, nullptr);
    CHECK(std::isnan(to_host(on_device.get(), 1)[0]));
    device::denormalise({on_device.get(), 1, 0.5, 0.1}, nullptr);
    CHECK(std::isnan(to_host(on_device.get(), 1)[0]));
  }
}

TEST_CASE("no values are no work") {
  device::normalise({}, nullptr);
  device::denormalise({}, nullptr);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

}  // namespace
}  // namespace n2s::test
