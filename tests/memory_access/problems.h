// Runs the project's kernels on zeros: which memory they touch depends on shapes alone.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::test {

using Pass = ConvPass;
inline constexpr std::array kPasses{Pass::forward, Pass::data_gradient, Pass::weight_gradient};
std::string to_text(Pass pass);

struct NamedMode {
  const char* name;
  device::ConvMode mode;
};
/// All that the convolution is compiled for.
inline constexpr std::array kConvModes{
    NamedMode{"simt fp32", {device::Precision::fp32, device::ConvVariant::simt}},
    NamedMode{"wmma fp16", {device::Precision::fp16, device::ConvVariant::wmma}},
    NamedMode{"mma_sm70 fp16", {device::Precision::fp16, device::ConvVariant::mma_sm70}},
    NamedMode{"mma fp16", {device::Precision::fp16, device::ConvVariant::mma}},
    NamedMode{"mma bf16", {device::Precision::bf16, device::ConvVariant::mma}},
    NamedMode{"mma tf32", {device::Precision::tf32, device::ConvVariant::mma}},
};

/// The layer's output is pooled, or the output gradient has a pooled part. Needs even sides.
enum class Pooling { no, yes };

void run_convolution(const Conv3x3Layer& layer, const device::ConvMode& mode, Pass pass, Pooling pooling);

/// One gradient step's other kernels: packing, loss, Adam, and all unfused operations, on images of this shape.
void run_others(const Shape& shape, device::Precision precision);

/// Layers with the channels of every convolution of both networks with `planes` input planes, for images of this size;
/// of those alike the one with the smallest images.
std::vector<Conv3x3Layer> network_layers(int planes, int height, int width);

}  // namespace n2s::test
