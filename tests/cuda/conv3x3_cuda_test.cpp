// The GPU's convolutions against the reference in double precision: every variant and precision, the real kernels.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "kernels/conv3x3/cuda/libraries.h"
#include "kernels/device/device_info.h"
#include "tests/cuda/conv3x3_on_device.h"
#include "tests/sanitized.h"
#ifdef N2S_EMULATION
#include "emulation/control.h"
#endif

namespace n2s::test {
namespace {

constexpr std::array kModes{
    Mode{"simt", {Precision::fp32, ConvVariant::simt}, 1e-11},
    Mode{"wmma fp16", {Precision::fp16, ConvVariant::wmma}, 4e-7},
    Mode{"mma_sm70 fp16", {Precision::fp16, ConvVariant::mma_sm70}, 4e-7},
    Mode{"mma fp16", {Precision::fp16, ConvVariant::mma}, 4e-7},
    Mode{"mma bf16", {Precision::bf16, ConvVariant::mma}, 2.5e-5},
    Mode{"mma tf32", {Precision::tf32, ConvVariant::mma}, 4e-7},
    // What is not fused is rounded once more on the way.
    Mode{"cudnn fp32", {Precision::fp32, ConvVariant::cudnn}, 1e-11},
    Mode{"cudnn tf32", {Precision::tf32, ConvVariant::cudnn}, 8e-7},  // an H100's weight gradients: 4.7e-7
    Mode{"cudnn fp16", {Precision::fp16, ConvVariant::cudnn}, 8e-7},
    Mode{"cudnn bf16", {Precision::bf16, ConvVariant::cudnn}, 5e-5},
    Mode{"cublas fp32", {Precision::fp32, ConvVariant::cublas}, 1e-11},
    Mode{"cublas tf32", {Precision::tf32, ConvVariant::cublas}, 8e-7},
    Mode{"cublas fp16", {Precision::fp16, ConvVariant::cublas}, 8e-7},
    Mode{"cublas bf16", {Precision::bf16, ConvVariant::cublas}, 5e-5},
};

TEST_CASE("every precision of every variant is tested here") {
  for (const device::ConvVariantRow& row : device::conv_variants())
    for (const device::ConvPrecision& p : row.precisions) {
      CAPTURE(row.name);
      CAPTURE(device::name_of(p.precision));
      CHECK(std::ranges::any_of(kModes, [&](const Mode& mode) {
        return mode.mode.variant == row.variant && mode.mode.precision == p.precision;
      }));
    }
}

std::string text(const Conv3x3Layer& l) {
  return fmt::format("{}x{}x{}, {} + {} -> {}", l.batch, l.height, l.width, l.low_channels, l.skip_channels,
                     l.out_channels);
}

void check_forward(const Conv3x3Layer& l, const Mode& mode, Draw draw, bool exact) {
  const Precision precision = mode.mode.precision;
  const Values values = exact ? Values::integers : Values::random;
  Sources source(l, draw, values, precision);
  TensorPair weight = drawn(draw, {l.out_channels, 3, 3, l.low_channels + l.skip_channels}, values, precision);
  TensorPair bias = draw.pair({1, 1, 1, draw.flip() ? l.out_channels : 0}, values);
  TensorPair residual = drawn(draw, full(l, draw.flip() ? 3 : 0), values, precision);
  const int outputs = is_even(l) ? draw.below(3) : 0;
  TensorPair out = poisoned(full(l, outputs != 1 ? l.out_channels : 0));
  TensorPair pooled = poisoned(half(l, outputs != 0 ? l.out_channels : 0));
  Guarded<std::uint8_t> positions = draw.choices(pooled.shape);
  const float slope = draw.flip() ? 0.5F : 0.0F;
  Tensor<std::uint8_t> where{outputs != 0 ? positions.data() : nullptr, pooled.shape};
  conv3x3_forward_reference({source.exact(), weight.exact.data(), bias.reference().data, slope, residual.reference(), 1,
                             out.reference(), pooled.reference(), where});

  const DeviceCopy device_residual = upload(residual, precision);
  const DeviceCopy device_out(out.shape, precision);
  const DeviceCopy device_pooled(pooled.shape, precision);
  const Bytes weights = packed(l, ConvPass::forward, mode.mode, weight);
  const Bytes scratch(conv3x3_bytes(l, ConvPass::forward, mode.mode).scratch);
  const CudaArray<float> device_bias = to_device<float>(bias.single.span());
  const CudaArray<std::uint16_t> device_positions = cuda_array<std::uint16_t>(device::argmax_bytes(pooled.shape) / 2);
  Conv3x3Forward p;
  p.source = source.on_device();
  p.packed = weights.span();
  p.scratch = scratch.span();
  p.bias = bias.shape.channels > 0 ? device_bias.get() : nullptr;
  p.slope = slope;
  p.residual = device_residual.tensor();
  p.residual_channel = 1;
  p.out = device_out.tensor();
  p.pooled = device_pooled.tensor();
  if (outputs != 0) p.argmax = positions_of(device_positions, pooled.shape);
  device::conv3x3_forward(p, mode.mode, nullptr);
  check(cudaDeviceSynchronize(), "convolution");
  if (p.out) CHECK(agrees(device_out.values(), out.exact, mode, exact));
  CHECK(device_out.padding_is_zero());
  CHECK(device_pooled.padding_is_zero());
  if (!p.pooled) return;
  CHECK(agrees(device_pooled.values(), pooled.exact, mode, exact));
  const auto found =
      unpack_positions(pooled.shape, to_host(device_positions.get(), device::argmax_bytes(pooled.shape) / 2));
  // On random data rounding may decide between two that nearly tie.
  if (exact) CHECK(std::equal(found.begin(), found.end(), positions.data()));
}

void check_data_gradient(const Conv3x3Layer& l, const Mode& mode, Draw draw, bool exact) {
  const Precision precision = mode.mode.precision;
  const Values values = exact ? Values::integers : Values::random;
  Gradients output_gradient(l, draw, values, precision);
  TensorPair weight = drawn(draw, {l.out_channels, 3, 3, l.low_channels + l.skip_channels}, values, precision);
  const bool only_low = l.low_channels > 0 && draw.flip();
  Target low(half(l, l.low_channels), draw, values, precision);
  Target skip(full(l, only_low ? 0 : l.skip_channels), draw, values, precision);
  conv3x3_data_gradient_reference(
      {output_gradient.exact(), weight.exact.data(), l.low_channels, l.skip_channels, low.exact(), skip.exact()});

  const Bytes weights = packed(l, ConvPass::data_gradient, mode.mode, weight);
  const Bytes scratch(conv3x3_bytes(l, ConvPass::data_gradient, mode.mode).scratch);
  device::conv3x3_data_gradient({output_gradient.on_device(), nullptr, l.low_channels, l.skip_channels, low.on_device(),
                                 skip.on_device(), weights.span(), scratch.span()},
                                mode.mode, nullptr);
  check(cudaDeviceSynchronize(), "data gradient");
  CHECK(low.agrees(mode, exact));
  CHECK(skip.agrees(mode, exact));
}

void check_weight_gradient(const Conv3x3Layer& l, const Mode& mode, Draw draw, bool exact) {
  const Precision precision = mode.mode.precision;
  const Values values = exact ? Values::integers : Values::random;
  Sources source(l, draw, values, precision);
  Gradients output_gradient(l, draw, values, precision);
  TensorPair weight = poisoned({l.out_channels, 3, 3, l.low_channels + l.skip_channels});
  TensorPair bias = poisoned({1, 1, 1, l.out_channels});
  conv3x3_weight_gradient_reference({source.exact(), output_gradient.exact(), weight.exact.data(), bias.exact.data()});

  const CudaArray<float> weight_gradient = cuda_array<float>(weight.exact.size());
  const CudaArray<float> bias_gradient = cuda_array<float>(bias.exact.size());
  const Bytes scratch(conv3x3_bytes(l, ConvPass::weight_gradient, mode.mode).scratch);
  device::conv3x3_weight_gradient(
      {source.on_device(), output_gradient.on_device(), weight_gradient.get(), bias_gradient.get(), scratch.span()},
      mode.mode, nullptr);
  Mode sums = mode;  // gradients are fp32, and their operands were rounded beforehand, or are sums of two such
  const bool one_part = !output_gradient.exact().dense || !output_gradient.exact().pooled;
  const bool rounded_sums = mode.mode.variant == ConvVariant::cudnn && element_bytes(precision) == 2;
  if (precision != Precision::tf32 && one_part && !rounded_sums)
    sums.tolerance = precision == Precision::bf16 ? 1e-9 : 1e-11;
  sums.mode.precision = Precision::fp32;
  CHECK(agrees(to_host(weight_gradient.get(), weight.exact.size()), weight.exact, sums, exact));
  CHECK(agrees(to_host(bias_gradient.get(), bias.exact.size()), bias.exact, sums, exact));
}

constexpr std::size_t kThinning = kSanitized ? 5 : 1;  // which makes emulation ten times slower

/// Whether only a part of the layers is tried: in emulation, and under tools that make a GPU slow.
bool thinned() {
#ifdef N2S_EMULATION
  return true;
#else
  return std::getenv("N2S_THIN_TESTS") != nullptr;
#endif
}

/// Whether the GPU, and the code that this program has for it, can do this: the modes of newer GPUs trap on Volta, and
/// Volta's own in code for newer ones.
bool runs_here(const Mode& mode) {
  int capability = device::kernel_capability(0);
#ifdef N2S_EMULATION  // one code for all
  capability = std::min(capability, device::row_of(mode.mode.variant).newest);
#endif
  return device::can_run(mode.mode.variant, mode.mode.precision, capability);
}

bool is_of_a_library(const ConvMode& mode) {
  return device::row_of(mode.variant).library != device::ConvLibrary::none;
}

/// Whether integers come out exactly: not where a library's results are rounded before the rest is done with them, and
/// a real cuDNN may take Winograd's form.
bool can_be_exact(const ConvMode& mode) {
#ifdef N2S_EMULATION
  return !is_of_a_library(mode) || element_bytes(mode.precision) == 4;
#else
  return !is_of_a_library(mode);
#endif
}

/// Every second layer with integers and every other one with random values; thinned every n-th. Other ones for each
/// variant (they share their loops), and all that are larger than a block's tile.
template <typename Check>
void for_each_problem(const Check& check_one) {
  std::vector<Conv3x3Layer> layers = all_layers();
  for (const Conv3x3Layer& large : {Conv3x3Layer{1, 18, 34, 8, 8, 16}, Conv3x3Layer{2, 17, 33, 0, 9, 48},
                                    Conv3x3Layer{1, 34, 20, 17, 0, 33}, Conv3x3Layer{1, 16, 16, 0, 96, 96}})
    layers.push_back(large);
  unsigned seed = 1;
  for (std::size_t m = 0; m < kModes.size(); ++m) {
    Mode mode = kModes[m];
    if (!runs_here(mode)) continue;
    if (!device::has_library_of(mode.mode.variant)) continue;
    const device::ConvLibraries libraries(mode.mode);
    CAPTURE(std::string(mode.name));
    for (std::size_t i = 0; i < layers.size(); ++i)
      for (const bool exact : {false, true}) {
        ++seed;
        const bool last = i + 4 >= layers.size();
        const std::size_t every = thinned() ? kThinning * (m > 0 ? 12U : 3U) : 2U;
        if (!last && (i + m) % every != (exact ? 0U : 1U)) continue;
        if (kSanitized && last && (exact || (i + m) % 2 == 0)) continue;
        CAPTURE(text(layers[i]));
        CAPTURE(exact);
        check_one(layers[i], mode, Draw(seed), exact && can_be_exact(mode.mode));
      }
  }
}

TEST_CASE("forward convolutions on the GPU equal the reference") {
  for_each_problem(check_forward);
}
TEST_CASE("data gradients on the GPU equal the reference") {
  for_each_problem(check_data_gradient);
}
TEST_CASE("weight gradients on the GPU equal the reference") {
  for_each_problem(check_weight_gradient);
}
TEST_CASE("weight gradients of blocks that have more than one patch equal the reference") {
  // So many channels that pixels are not split.
  const Conv3x3Layer unsplit{1, 16, 16, 0, 385, 176};
  const Conv3x3Layer phased{1, 16, 16, 385, 0, 176};
  for (const Mode& mode : kModes) {
    if (is_of_a_library(mode.mode) || !runs_here(mode)) continue;
    CAPTURE(std::string(mode.name));
    if (thinned() && mode.mode.precision == Precision::bf16) continue;  // the same loops as fp16
    if (kSanitized && (mode.mode.variant != ConvVariant::mma || mode.mode.precision != Precision::fp16)) continue;
    for (unsigned seed = 1; seed <= (kSanitized ? 1U : 2U); ++seed)
      check_weight_gradient(unsplit, mode, Draw(seed), true);
    check_weight_gradient(phased, mode, Draw(3), true);
  }
}

TEST_CASE("weight gradients of channels that some blocks of 32 and one of 16 compute equal the reference") {
  const Conv3x3Layer layer{2, 96, 48, 0, 45, 16};  // so many patches that the emulated GPU splits the channels
  for (const Mode& mode : kModes) {
    if (is_of_a_library(mode.mode) || !runs_here(mode)) continue;
    CAPTURE(std::string(mode.name));
    if (thinned() && mode.mode.variant == ConvVariant::mma) continue;  // which has no blocks of 16
    if (kSanitized && mode.mode.variant != ConvVariant::mma_sm70) continue;
    for (unsigned seed = 1; seed <= (kSanitized ? 1U : 2U); ++seed)
      check_weight_gradient(layer, mode, Draw(seed), true);
  }
}

#ifdef N2S_EMULATION  // a real GPU is what it is
TEST_CASE("every generation has the shared memory that its convolutions ask for") {
  struct Generation {
    int major, minor;
  };
  for (const Generation& generation : {Generation{7, 0}, {7, 5}, {8, 0}, {8, 6}}) {
    if (kSanitized && generation.minor != 6) continue;
    CAPTURE(generation.major);
    CAPTURE(generation.minor);
    emulation::set_compute_capability(generation.major, generation.minor);
    for (const Mode& mode : kModes) {
      if (is_of_a_library(mode.mode) || mode.mode.precision == Precision::bf16) continue;
      if (!runs_here(mode)) continue;
      CAPTURE(std::string(mode.name));
      for (const int channels : {48, 32, 16}) {
        if (kSanitized && channels != 48) continue;
        const Conv3x3Layer layer{1, 8, 32, channels, channels, channels};
        check_forward(layer, mode, Draw(1), true);
        // Another draw, another output gradient: at full resolution, through pooling, or both.
        for (unsigned seed = 1; seed <= (kSanitized ? 2U : 4U); ++seed) {
          check_data_gradient(layer, mode, Draw(seed), true);
          check_weight_gradient(layer, mode, Draw(seed), true);
        }
      }
    }
  }
  emulation::set_compute_capability(9, 0);
}
#endif

}  // namespace
}  // namespace n2s::test
