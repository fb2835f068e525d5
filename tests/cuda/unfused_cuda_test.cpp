// The unfused operations on the GPU against their references, in every precision.
#include <doctest/doctest.h>

#include <functional>
#include <optional>

#include "kernels/base/error.h"
#include "kernels/unfused/cuda.h"
#include "kernels/unfused/unfused.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/conv3x3_cases.h"

namespace n2s::test {
namespace {

struct Mode {
  Precision precision;
  double tolerance;  // NMSE of results that are rounded to it once
};
constexpr Mode kModes[]{
    {Precision::fp32, 1e-13}, {Precision::tf32, 1e-13}, {Precision::fp16, 1e-6}, {Precision::bf16, 2e-5}};

/// A tensor on both sides, with values that the precision can store.
struct Side {
  Side(Draw& draw, const Shape& s, Precision precision) : shape(s) {
    std::vector<float> values;
    for (std::ptrdiff_t i = 0; i < shape.elements(); ++i)
      values.push_back(rounded(draw.value(Values::random), precision));
    exact.assign(values.begin(), values.end());
    device = DeviceCopy(shape, precision, values);
  }
  Tensor<const double> reference() const { return {exact.data(), shape}; }
  Tensor<double> writable() { return {exact.data(), shape}; }

  Shape shape;
  std::vector<double> exact;
  DeviceCopy device;
};

void check_same(const Side& side, double tolerance) {
  CHECK(nmse(side.device.values(), side.exact) <= tolerance);
  CHECK(side.device.padding_is_zero());
}

/// Runs a gradient with each kind of target: as it is, through an activation, added to what is there.
void for_targets(Draw& draw, const Shape& shape, const Mode& mode,
                 const std::function<void(const ConvGradientTarget&, const ConvGradientTarget&)>& gradient) {
  const Side activated(draw, shape, mode.precision);
  for (const bool masked : {false, true})
    for (const bool accumulate : {false, true}) {
      CAPTURE(masked);
      CAPTURE(accumulate);
      Side result(draw, shape, mode.precision);
      constexpr float kSlope = 0.125F;
      gradient(
          {result.writable(), masked ? activated.reference() : Tensor<const double>{}, double{kSlope}, accumulate},
          {result.device.tensor(), masked ? activated.device.tensor() : device::DeviceTensor{}, kSlope, accumulate});
      check_same(result, mode.tolerance);
    }
}

/// For all precisions, and channels below, at and beyond the padding's multiples.
void for_cases(const std::function<void(const Mode&, const Shape& low, const Shape& high, Draw&)>& work) {
  for (const Mode& mode : kModes)
    for (const int channels : {1, 5, 8, 13}) {
      CAPTURE(static_cast<int>(mode.precision));
      CAPTURE(channels);
      Draw draw(static_cast<unsigned>(channels));
      work(mode, {2, 3, 5, channels}, {2, 6, 10, channels}, draw);
    }
}

TEST_CASE("activation and its gradient") {
  for_cases([&](const Mode& mode, const Shape&, const Shape& high, Draw& draw) {
    const Side in(draw, high, mode.precision);
    for (const float slope : {0.0F, 0.125F}) {
      Side out(draw, high, mode.precision);
      unfused::activation_reference(in.reference(), double{slope}, out.writable());
      device::unfused::activation(in.device.tensor(), slope, out.device.tensor(), mode.precision, nullptr);
      check_same(out, mode.tolerance);
    }
    const Side output_gradient(draw, high, mode.precision);
    for_targets(draw, high, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::activation_gradient_reference(output_gradient.reference(), in.reference(), 0.25, to);
      device::unfused::activation_gradient(output_gradient.device.tensor(), in.device.tensor(), 0.25F, device_to,
                                           mode.precision, nullptr);
    });
  });
}

TEST_CASE("max pooling, the places of its maxima, and its gradient") {
  for_cases([&](const Mode& mode, const Shape& low, const Shape& high, Draw& draw) {
    Side in(draw, high, mode.precision);
    const auto pixels = static_cast<std::size_t>(low.channels) * 2;  // the first two pixels tie
    std::vector<float> values = in.device.values();
    for (std::size_t i = 0; i < pixels; ++i) values[i] = 4, in.exact[i] = 4;
    in.device = DeviceCopy(high, mode.precision, values);
    Side out(draw, low, mode.precision);
    std::vector<std::uint8_t> places(static_cast<std::size_t>(low.elements()));
    const Tensor<std::uint8_t> argmax{places.data(), low};
    unfused::maxpool2_reference(in.reference(), out.writable(), argmax);
    const std::size_t words = device::argmax_bytes(low) / 2;
    const CudaArray<std::uint16_t> device_argmax = cuda_array<std::uint16_t>(words);
    device::unfused::maxpool2(in.device.tensor(), out.device.tensor(), device_argmax.get(), mode.precision, nullptr);
    check_same(out, 0);
    CHECK(unpack_positions(low, to_host(device_argmax.get(), words)) == places);
    const DeviceCopy without(low, mode.precision);
    device::unfused::maxpool2(in.device.tensor(), without.tensor(), nullptr, mode.precision, nullptr);
    CHECK(without.values() == out.device.values());
    const Side output_gradient(draw, low, mode.precision);
    for_targets(draw, high, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::maxpool2_gradient_reference(output_gradient.reference(), argmax, to);
      device::unfused::maxpool2_gradient(output_gradient.device.tensor(), device_argmax.get(), device_to,
                                         mode.precision, nullptr);
    });
  });
}

TEST_CASE("blurred pooling and its gradient") {
  for_cases([&](const Mode& mode, const Shape& low, const Shape& high, Draw& draw) {
    const Side in(draw, high, mode.precision);
    Side out(draw, low, mode.precision);
    unfused::blurpool2_reference(in.reference(), out.writable());
    device::unfused::blurpool2(in.device.tensor(), out.device.tensor(), mode.precision, nullptr);
    check_same(out, mode.tolerance);
    const Side output_gradient(draw, low, mode.precision);
    for_targets(draw, high, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::blurpool2_gradient_reference(output_gradient.reference(), in.reference(), to);
      device::unfused::blurpool2_gradient(output_gradient.device.tensor(), in.device.tensor(), device_to,
                                          mode.precision, nullptr);
    });
  });
}

TEST_CASE("upsampling and its gradient") {
  for_cases([&](const Mode& mode, const Shape& low, const Shape& high, Draw& draw) {
    const Side in(draw, low, mode.precision);
    Side out(draw, high, mode.precision);
    unfused::upsample2_reference(in.reference(), out.writable());
    device::unfused::upsample2(in.device.tensor(), out.device.tensor(), mode.precision, nullptr);
    check_same(out, 0);
    const Side output_gradient(draw, high, mode.precision);
    for_targets(draw, low, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::upsample2_gradient_reference(output_gradient.reference(), to);
      device::unfused::upsample2_gradient(output_gradient.device.tensor(), device_to, mode.precision, nullptr);
    });
  });
}

TEST_CASE("concatenation and its gradient, both halves") {
  for_cases([&](const Mode& mode, const Shape&, const Shape& high, Draw& draw) {
    Shape other = high;
    other.channels = 3;
    Shape both = high;
    both.channels += other.channels;
    const Side first(draw, high, mode.precision);
    const Side second(draw, other, mode.precision);
    Side out(draw, both, mode.precision);
    unfused::concat_reference(first.reference(), second.reference(), out.writable());
    device::unfused::concat(first.device.tensor(), second.device.tensor(), out.device.tensor(), mode.precision,
                            nullptr);
    check_same(out, 0);
    for_targets(draw, high, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::concat_gradient_reference(out.reference(), to, {}, high.channels);
      device::unfused::concat_gradient(out.device.tensor(), 0, device_to, mode.precision, nullptr);
    });
    for_targets(draw, other, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::concat_gradient_reference(out.reference(), {}, to, high.channels);
      device::unfused::concat_gradient(out.device.tensor(), high.channels, device_to, mode.precision, nullptr);
    });
  });
}

TEST_CASE("the residual and its gradient") {
  for_cases([&](const Mode& mode, const Shape&, const Shape& high, Draw& draw) {
    Shape planes = high;
    planes.channels = 4;
    const Side in(draw, high, mode.precision);
    const Side source(draw, planes, mode.precision);
    for (const int channel : {0, 3}) {
      Side out(draw, high, mode.precision);
      unfused::add_plane_reference(in.reference(), source.reference(), channel, out.writable());
      device::unfused::add_plane(in.device.tensor(), source.device.tensor(), channel, out.device.tensor(),
                                 mode.precision, nullptr);
      check_same(out, mode.tolerance);
    }
    for_targets(draw, high, mode, [&](const ConvGradientTarget& to, const ConvGradientTarget& device_to) {
      unfused::copy_gradient_reference(in.reference(), to);
      device::unfused::copy_gradient(in.device.tensor(), device_to, mode.precision, nullptr);
    });
  });
}

TEST_CASE("shapes that do not fit are refused") {
  using namespace device::unfused;
  constexpr Precision kPrecision = Precision::fp32;
  const DeviceCopy low_copy({2, 3, 5, 8}, kPrecision);
  const DeviceCopy high_copy({2, 6, 10, 8}, kPrecision);
  const device::DeviceTensor low = low_copy.tensor();
  const device::DeviceTensor high = high_copy.tensor();
  const ConvGradientTarget to_low{low, {}, 1, false};
  const ConvGradientTarget to_high{high, {}, 1, false};
  CHECK_THROWS_AS(activation(high, 0, low, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(activation_gradient(high, low, 0, to_high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(maxpool2(low, high, nullptr, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(maxpool2_gradient(high, nullptr, to_low, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(blurpool2(low, high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(blurpool2_gradient(high, high, to_high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(upsample2(high, low, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(upsample2_gradient(low, to_high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(concat(high, high, high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(concat_gradient(high, 1, to_high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(add_plane(high, high, 8, high, kPrecision, nullptr), Error);
  CHECK_THROWS_AS(copy_gradient(low, to_high, kPrecision, nullptr), Error);
}

}  // namespace
}  // namespace n2s::test
