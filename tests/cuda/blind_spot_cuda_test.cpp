// Hidden pixels on a GPU against the CPU's.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/error.h"
#include "kernels/blind_spot/cuda.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

TEST_CASE("a GPU hides the pixels that the CPU hides, in any precision") {
  using enum BlindReplacement;
  const Shape shape{2, 33, 20, 3};
  const Shape target_shape{2, 33, 20, 1};
  const BatchStep step{1, 4};
  for (const BlindSpots& spots :
       {BlindSpots{}, BlindSpots{5, false, uniform, 11, 1, 1}, BlindSpots{6, false, median, 5, 1, 1},
        BlindSpots{4, true, interpolate, 11, 1, 1}, BlindSpots{6, false, uniform, 5, 11, 1}})
    for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::bf16}) {
      CAPTURE(spots.box);
      std::vector<float> planes = random_values(static_cast<std::size_t>(shape.elements()), 5);
      for (float& value : planes) value = rounded(value, precision);
      std::vector<float> targets;
      for (std::size_t i = 1; i < planes.size(); i += 3) targets.push_back(planes[i]);
      const DeviceCopy input(shape, precision, planes);
      const DeviceCopy target(target_shape, precision, targets);
      const CudaArray<BatchStep> device_step = to_device(std::span<const BatchStep>(&step, 1));
      device::hide_pixels({spots, 8, device_step.get(), input.tensor(), 1, target.tensor()}, precision, nullptr);
      for (int n = 0; n < shape.batch; ++n)
        hide_pixels(spots, blind_spot_key(8, step, shape.batch, n), {planes.data(), shape}, 1,
                    {targets.data(), target_shape}, n);
      const std::vector<float> found = input.values();
      for (std::size_t i = 0; i < planes.size(); ++i) REQUIRE(found[i] == rounded(planes[i], precision));
      const std::vector<float> found_targets = target.values();
      for (std::size_t i = 0; i < targets.size(); ++i)
        REQUIRE((found_targets[i] == targets[i] || (std::isnan(found_targets[i]) && std::isnan(targets[i]))));
      CHECK(input.padding_is_zero());
      CHECK(target.padding_is_zero());
    }
}

TEST_CASE("sizes that do not fit together are refused on a GPU") {
  const DeviceCopy input({1, 8, 8, 1}, Precision::fp32);
  const DeviceCopy target({1, 8, 4, 1}, Precision::fp32);
  CHECK_THROWS_AS(device::hide_pixels({{}, 1, nullptr, input.tensor(), 0, target.tensor()}, Precision::fp32, nullptr),
                  Error);
}

}  // namespace
}  // namespace n2s::test
