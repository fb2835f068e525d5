// The conversion to a file's samples on the GPU against what the processor writes, bit for bit.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "data/normalisation.h"
#include "data/samples.h"
#include "kernels/cast/cuda.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

constexpr SampleType kTypes[]{SampleType::uint8,   SampleType::int8,   SampleType::uint16, SampleType::int16,
                              SampleType::uint32,  SampleType::int32,  SampleType::uint64, SampleType::int64,
                              SampleType::float32, SampleType::float64};

/// Numbers around what decides: halves, the ends of all integers, and infinities. NaNs have other bits on a GPU.
std::vector<float> awkward_values() {
  std::vector<float> values{0.0F, -0.0F, INFINITY, -INFINITY, 3.4e38F, -3.4e38F, 1e-45F, 0.49999997F};
  for (const float whole : {0.0F, 1.0F, 127.0F, 128.0F, 254.0F, 255.0F, 32767.0F, 65535.0F, 2147483647.0F,
                            4294967295.0F, 9223372036854775807.0F, 18446744073709551615.0F})
    for (const float sign : {1.0F, -1.0F})
      for (const float part : {0.0F, 0.5F, 1.0F, 1.5F}) {
        const float value = sign * (whole + part);
        values.insert(values.end(), {value, std::nextafter(value, INFINITY), std::nextafter(value, -INFINITY)});
      }
  for (const float value : random_values(500, 3)) values.insert(values.end(), {value, 300 * value, 1e5F * value});
  return values;
}

std::vector<std::byte> on_gpu(const std::vector<float>& values, SampleType type, const Normalisation& normalisation,
                              const Scaling& scaling) {
  const CudaArray<float> on_device = to_device(std::span<const float>(values));
  std::vector<std::byte> stored(values.size() * sample_bytes(type));
  with_sample_type(type, [&]<class T>(std::type_identity<T>) {
    const CudaArray<T> samples = cuda_array<T>(values.size());
    device::cast_samples(
        {on_device.get(), values.size(), normalisation.scale, normalisation.offset, scaling.slope, scaling.intercept},
        samples.get(), nullptr);
    const std::vector<T> found = to_host(samples.get(), values.size());
    std::memcpy(stored.data(), found.data(), stored.size());
  });
  return stored;
}

TEST_CASE("samples are those that the processor stores") {
  const std::vector<float> values = awkward_values();
  Normalisation range, percentiles;
  range.scale = 1 / 4095.0;
  range.offset = -0.5;
  percentiles.scale = 1 / 613.7;
  percentiles.offset = -0.1234;
  for (const SampleType type : kTypes)
    for (const Normalisation& normalisation : {Normalisation{}, range, percentiles})
      for (const Scaling& scaling : {Scaling{}, Scaling{0.5, -3}, Scaling{-1.7, 1e4}}) {
        CAPTURE(std::string(sample_type_name(type)));
        CAPTURE(normalisation.scale);
        CAPTURE(scaling.slope);
        std::vector<float> voxels = values;
        undo_normalisation(normalisation, voxels);
        std::vector<std::byte> expected(values.size() * sample_bytes(type));
        encode_samples(voxels, type, false, scaling, expected);
        CHECK(on_gpu(values, type, normalisation, scaling) == expected);
      }
}

TEST_CASE("normalised values are the processor's, clipped or not") {
  const std::vector<float> values = awkward_values();
  for (const bool clips : {false, true})
    for (const double scale : {1.0, 1 / 4095.0, 1 / 613.7, -0.3}) {
      Normalisation normalisation;
      normalisation.scale = scale;
      normalisation.offset = -0.1234;
      if (clips) normalisation.clip_low = -0.5, normalisation.clip_high = 0.7;
      std::vector<float> expected = values;
      apply_normalisation(normalisation, expected);
      const CudaArray<float> on_device = to_device(std::span<const float>(values));
      device::DeviceNormalise problem{on_device.get(), values.size(), scale, normalisation.offset};
      if (clips) problem.clip_low = -0.5, problem.clip_high = 0.7;
      device::normalise(problem, nullptr);
      CHECK(to_host(on_device.get(), values.size()) == expected);
    }
}

TEST_CASE("NaN is 0 among integers, and stays NaN") {
  CHECK(on_gpu({NAN}, SampleType::int16, {}, {}) == std::vector<std::byte>(2));
  CHECK(on_gpu({NAN}, SampleType::uint64, {}, {}) == std::vector<std::byte>(8));
  float single = 0;
  double twofold = 0;
  std::memcpy(&single, on_gpu({NAN}, SampleType::float32, {}, {}).data(), sizeof single);
  std::memcpy(&twofold, on_gpu({NAN}, SampleType::float64, {}, {}).data(), sizeof twofold);
  CHECK(std::isnan(single));
  CHECK(std::isnan(twofold));
}

TEST_CASE("no values are no work") {
  device::cast_samples<std::uint8_t>({}, nullptr, nullptr);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

}  // namespace
}  // namespace n2s::test
