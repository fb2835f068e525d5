// One table of everything that a caller of the convolution can get wrong, for the CPU and the GPU alike: what to change
// in a correct problem so that it must be refused.
#pragma once

#include <doctest/doctest.h>

#include <iterator>
#include <set>
#include <string>

#include "kernels/base/error.h"
#include "tests/kernels/conv3x3_problems.h"

namespace n2s::test {

/// What is changed in a correct problem, and a part of what the Error must say.
struct BadCase {
  const char* what;
  ConvPass pass;
  const char* message;
  bool (*spoil)(Problems& p);  // false: nothing to spoil, as this device needs no such memory
};

template <typename Span>
bool shorten(Span& memory) {
  if (memory.empty()) return false;
  memory = memory.first(memory.size() - 1);
  return true;
}
template <typename Span>
bool lose(Span& memory) {
  if (memory.empty()) return false;
  memory = {static_cast<typename Span::pointer>(nullptr), memory.size()};
  return true;
}
template <typename Span>
bool shift(Span& memory) {
  if (memory.empty()) return false;
  memory = {memory.data() + 4, memory.size()};
  return true;
}

inline constexpr ConvPass kForward = ConvPass::forward;
inline constexpr ConvPass kData = ConvPass::data_gradient;
inline constexpr ConvPass kWeight = ConvPass::weight_gradient;

inline constexpr BadCase kBadCases[] = {
    // Nothing there.
    {"no source", kForward, "neither a low nor a skip part", [](Problems& p) { return p.forward.source = {}, true; }},
    {"no output", kForward, "neither out nor pooled",
     [](Problems& p) { return p.forward.out = {}, p.forward.pooled = {}, true; }},
    {"argmax alone", kForward, "argmax is requested without pooled",
     [](Problems& p) { return p.forward.pooled = {}, true; }},
    {"no output gradient", kData, "neither a dense nor a pooled part",
     [](Problems& p) { return p.data_gradient.output_gradient = {}, true; }},
    {"pooled without argmax", kData, "needs its argmax",
     [](Problems& p) { return p.data_gradient.output_gradient.argmax = {}, true; }},
    {"no gradient requested", kData, "neither low.gradient nor skip.gradient",
     [](Problems& p) { return p.data_gradient.low = {}, p.data_gradient.skip = {}, true; }},
    {"no source", kWeight, "neither a low nor a skip part",
     [](Problems& p) { return p.weight_gradient.source = {}, true; }},
    {"no output gradient", kWeight, "neither a dense nor a pooled part",
     [](Problems& p) { return p.weight_gradient.output_gradient = {}, true; }},
    {"no weight gradient", kWeight, "weight_gradient is missing",
     [](Problems& p) { return p.weight_gradient.weight_gradient = nullptr, true; }},

    // Shapes that do not fit together.
    {"low too wide", kForward, "source.low has shape (1, 2, 3, 3), expected (1, 2, 2, 3)",
     [](Problems& p) { return p.forward.source.low.shape.width = 3, true; }},
    {"odd height with low", kForward, "even", [](Problems& p) { return p.forward.source.skip.shape.height = 5, true; }},
    {"out too wide", kForward, "out has shape", [](Problems& p) { return p.forward.out.shape.width = 5, true; }},
    {"out of another batch", kForward, "out has shape",
     [](Problems& p) { return p.forward.out.shape.batch = 2, true; }},
    {"no output channels", kForward, "at least one output channel",
     [](Problems& p) { return p.forward.out.shape.channels = 0, true; }},
    {"pooled with other channels", kForward, "pooled has shape",
     [](Problems& p) { return p.forward.pooled.shape.channels = 4, true; }},
    {"argmax of another shape", kForward, "argmax has shape",
     [](Problems& p) { return p.forward.argmax.shape.height = 1, true; }},
    {"residual too narrow", kForward, "residual has shape",
     [](Problems& p) { return p.forward.residual.shape.width = 3, true; }},
    {"residual channel", kForward, "residual_channel",
     [](Problems& p) { return p.forward.residual_channel = 2, true; }},
    {"negative residual channel", kForward, "residual_channel",
     [](Problems& p) { return p.forward.residual_channel = -1, true; }},
    {"pooled gradient as large as the dense one", kData, "output_gradient.pooled has shape",
     [](Problems& p) {
       return p.data_gradient.output_gradient.pooled.shape = {1, 4, 4, 5}, true;
     }},
    {"argmax of another shape", kData, "output_gradient.argmax has shape",
     [](Problems& p) { return p.data_gradient.output_gradient.argmax.shape.channels = 8, true; }},
    {"gradient of a part without channels", kData, "without channels",
     [](Problems& p) { return p.data_gradient.low_channels = 0, true; }},
    {"low gradient too large", kData, "low.gradient has shape",
     [](Problems& p) {
       return p.data_gradient.low.gradient.shape = {1, 4, 4, 3}, true;
     }},
    {"skip gradient with other channels", kData, "skip.gradient has shape",
     [](Problems& p) { return p.data_gradient.skip_channels = 7, true; }},
    {"activated of another shape", kData, "activated tensor of a gradient has shape",
     [](Problems& p) { return p.data_gradient.skip.activated.shape.width = 2, true; }},
    {"output gradient and source of different sizes", kWeight, "the output gradient has shape",
     [](Problems& p) {
       p.weight_gradient.source.low.shape = {1, 4, 4, 3};
       p.weight_gradient.source.skip.shape = {1, 8, 8, 2};
       return true;
     }},

    // Other element types than the kernels read.
    {"low in fp64", kForward, "source.low is stored as fp64",
     [](Problems& p) { return p.forward.source.low.element = Element::fp64, true; }},
    {"skip in bf16", kForward, "source.skip is stored as bf16",
     [](Problems& p) { return p.forward.source.skip.element = Element::bf16, true; }},
    {"residual in bf16", kForward, "residual is stored as bf16",
     [](Problems& p) { return p.forward.residual.element = Element::bf16, true; }},
    {"out in bf16", kForward, "out is stored as bf16",
     [](Problems& p) { return p.forward.out.element = Element::bf16, true; }},
    {"pooled in fp64", kForward, "pooled is stored as fp64",
     [](Problems& p) { return p.forward.pooled.element = Element::fp64, true; }},
    {"argmax as numbers", kForward, "argmax is stored as fp32",
     [](Problems& p) { return p.forward.argmax.element = Element::fp32, true; }},
    {"bias in fp64", kForward, "bias is stored as fp64",
     [](Problems& p) { return p.forward.bias.element = Element::fp64, true; }},
    {"dense in bf16", kData, "output_gradient.dense is stored as bf16",
     [](Problems& p) { return p.data_gradient.output_gradient.dense.element = Element::bf16, true; }},
    {"pooled in bf16", kData, "output_gradient.pooled is stored as bf16",
     [](Problems& p) { return p.data_gradient.output_gradient.pooled.element = Element::bf16, true; }},
    {"argmax as numbers", kData, "output_gradient.argmax is stored as fp16",
     [](Problems& p) { return p.data_gradient.output_gradient.argmax.element = Element::fp16, true; }},
    {"low gradient in fp64", kData, "low.gradient is stored as fp64",
     [](Problems& p) { return p.data_gradient.low.gradient.element = Element::fp64, true; }},
    {"activated in fp64", kData, "activated tensor of a gradient is stored as fp64",
     [](Problems& p) { return p.data_gradient.low.activated.element = Element::fp64, true; }},
    {"skip in bf16", kWeight, "source.skip is stored as bf16",
     [](Problems& p) { return p.weight_gradient.source.skip.element = Element::bf16, true; }},
    {"dense in bf16", kWeight, "output_gradient.dense is stored as bf16",
     [](Problems& p) { return p.weight_gradient.output_gradient.dense.element = Element::bf16, true; }},
    {"weight gradient in fp64", kWeight, "weight_gradient is stored as fp64",
     [](Problems& p) { return p.weight_gradient.weight_gradient.element = Element::fp64, true; }},
    {"bias gradient in fp64", kWeight, "bias_gradient is stored as fp64",
     [](Problems& p) { return p.weight_gradient.bias_gradient.element = Element::fp64, true; }},

    // Pixels that are padded otherwise.
    {"low padded", kForward, "source.low stores 16 channels per pixel",
     [](Problems& p) { return p.forward.source.low.stored_channels = 16, true; }},
    {"skip padded", kForward, "source.skip stores 16 channels per pixel",
     [](Problems& p) { return p.forward.source.skip.stored_channels = 16, true; }},
    {"residual padded", kForward, "residual stores 16 channels per pixel",
     [](Problems& p) { return p.forward.residual.stored_channels = 16, true; }},
    {"out padded", kForward, "out stores 6 channels per pixel",
     [](Problems& p) { return p.forward.out.stored_channels = 6, true; }},
    {"pooled padded", kForward, "pooled stores 0 channels per pixel",
     [](Problems& p) { return p.forward.pooled.stored_channels = 0, true; }},
    {"argmax padded", kForward, "argmax stores 16 channels per pixel",
     [](Problems& p) { return p.forward.argmax.stored_channels = 16, true; }},
    {"dense padded", kData, "output_gradient.dense stores 16 channels per pixel",
     [](Problems& p) { return p.data_gradient.output_gradient.dense.stored_channels = 16, true; }},
    {"skip gradient padded", kData, "skip.gradient stores 16 channels per pixel",
     [](Problems& p) { return p.data_gradient.skip.gradient.stored_channels = 16, true; }},
    {"activated padded", kData, "activated tensor of a gradient stores 16 channels per pixel",
     [](Problems& p) { return p.data_gradient.skip.activated.stored_channels = 16, true; }},
    {"dense padded", kWeight, "output_gradient.dense stores 16 channels per pixel",
     [](Problems& p) { return p.weight_gradient.output_gradient.dense.stored_channels = 16, true; }},

    // Packed and scratch memory.
    {"packed too small", kForward, "packed has", [](Problems& p) { return shorten(p.forward.packed); }},
    {"packed missing", kForward, "packed is missing", [](Problems& p) { return lose(p.forward.packed); }},
    {"packed not aligned", kForward, "packed is not aligned", [](Problems& p) { return shift(p.forward.packed); }},
    {"scratch too small", kForward, "scratch has", [](Problems& p) { return shorten(p.forward.scratch); }},
    {"scratch missing", kForward, "scratch is missing", [](Problems& p) { return lose(p.forward.scratch); }},
    {"scratch not aligned", kForward, "scratch is not aligned", [](Problems& p) { return shift(p.forward.scratch); }},
    {"packed too small", kData, "packed has", [](Problems& p) { return shorten(p.data_gradient.packed); }},
    {"packed missing", kData, "packed is missing", [](Problems& p) { return lose(p.data_gradient.packed); }},
    {"packed not aligned", kData, "packed is not aligned", [](Problems& p) { return shift(p.data_gradient.packed); }},
    {"scratch too small", kData, "scratch has", [](Problems& p) { return shorten(p.data_gradient.scratch); }},
    {"scratch missing", kData, "scratch is missing", [](Problems& p) { return lose(p.data_gradient.scratch); }},
    {"scratch too small", kWeight, "scratch has", [](Problems& p) { return shorten(p.weight_gradient.scratch); }},
    {"scratch missing", kWeight, "scratch is missing", [](Problems& p) { return lose(p.weight_gradient.scratch); }},
    {"scratch not aligned", kWeight, "scratch is not aligned",
     [](Problems& p) { return shift(p.weight_gradient.scratch); }},
};

inline void run(const ConvDevice& device, ConvPass pass, const Problems& p) {
  if (pass == kForward) return device.forward(p.forward);
  if (pass == kData) return device.data_gradient(p.data_gradient);
  device.weight_gradient(p.weight_gradient);
}

/// Runs the whole table. `done` receives the cases (their index) that there was something to spoil for.
inline void check_bad_cases(const ConvDevice& device, std::set<std::size_t>& done) {
  const Problems good = ProblemMaker(device).make();
  for (const ConvPass pass : {kForward, kData, kWeight}) CHECK_NOTHROW(run(device, pass, good));
  for (std::size_t i = 0; i < std::size(kBadCases); ++i) {
    const BadCase& bad = kBadCases[i];
    CAPTURE(std::string(bad.what));
    Problems p = good;
    if (!bad.spoil(p)) continue;
    done.insert(i);
    CHECK_THROWS_WITH_AS(run(device, bad.pass, p), doctest::Contains(bad.message), Error);
  }
}

/// What is refused before there is a problem: impossible layers, and weights that cannot be packed.
inline void check_bad_preparation(const ConvDevice& device) {
  for (const Conv3x3Layer& layer : {Conv3x3Layer{1, 3, 4, 2, 0, 1}, Conv3x3Layer{0, 4, 4, 2, 0, 1},
                                    Conv3x3Layer{1, 4, 4, 0, 0, 1}, Conv3x3Layer{1, 4, 4, 0, 1, 0}})
    for (const ConvPass pass : {kForward, kData, kWeight}) CHECK_THROWS_AS(device.bytes(layer, pass), Error);
  const auto* weight =
      reinterpret_cast<const float*>(device.allocate(std::size_t{9} * 5 * 5 * sizeof(float)));  // NOLINT
  for (const ConvPass pass : {kForward, kData}) {
    const std::size_t bytes = device.bytes(kCheckedLayer, pass).packed;
    const std::span<std::byte> packed(device.allocate(bytes + 64), bytes);
    CHECK_NOTHROW(device.pack(kCheckedLayer, pass, weight, packed));
    const auto refused = [&](const float* from, std::span<std::byte> to, const char* message) {
      CHECK_THROWS_WITH_AS(device.pack(kCheckedLayer, pass, from, to), doctest::Contains(message), Error);
    };
    refused(nullptr, packed, "weight is missing");
    refused(weight, packed.first(bytes - 1), "packed has");
    refused(weight, {static_cast<std::byte*>(nullptr), bytes}, "packed is missing");
    refused(weight, {packed.data() + 4, bytes}, "packed is not aligned");
  }
  CHECK_THROWS_WITH_AS(device.pack(kCheckedLayer, kWeight, weight, {}), doctest::Contains("no weights to pack"), Error);
}

}  // namespace n2s::test
