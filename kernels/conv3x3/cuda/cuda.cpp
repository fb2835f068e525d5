// The 3x3 convolution on a GPU: checks the problem, picks the variant and hands over to it.
#include "kernels/conv3x3/cuda/cuda.h"

#include <fmt/format.h>

#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cudnn/cudnn.h"

namespace n2s::device {
namespace {

constexpr const char* kPrecisionNames[] = {"fp32", "tf32", "fp16", "bf16"};
constexpr const char* kVariantNames[] = {"simt", "wmma", "mma", "cudnn"};

const char* text(Precision precision) {
  return kPrecisionNames[static_cast<std::size_t>(precision)];
}

void check_mode(const ConvMode& mode) {
  if (least_compute_capability(mode.variant, mode.precision)) return;
  throw Error(fmt::format("conv3x3: the {} variant does not compute in {}",
                          kVariantNames[static_cast<std::size_t>(mode.variant)], text(mode.precision)));
}

ConvKernels kernels_of(const ConvMode& mode) {
  if (mode.variant == ConvVariant::simt) return simt_kernels();
  return mode.variant == ConvVariant::wmma ? wmma_kernels() : mma_kernels(mode.precision);
}

ConvStorage storage_of(const ConvMode& mode) {
  return {element_of(mode.precision), Element::index2, Element::fp32, kChannelMultiple, 16};
}

/// Checks everything about the problem; what is left to do is to run it.
template <typename Problem>
Conv3x3Layer checked(const Problem& problem, ConvPass pass, const ConvMode& mode) {
  const ConvStorage storage = storage_of(mode);
  const Conv3x3Layer layer = checked_layer(problem, storage);
  check_memory(problem, conv3x3_bytes(layer, pass, mode), storage);
  return layer;
}

}  // namespace

std::optional<int> least_compute_capability(ConvVariant variant, Precision precision) {
  const bool is_new = precision == Precision::tf32 || precision == Precision::bf16;
  switch (variant) {
    case ConvVariant::simt:
      return precision == Precision::fp32 ? std::optional(0) : std::nullopt;
    case ConvVariant::wmma:
      return precision == Precision::fp16 ? std::optional(70) : std::nullopt;
    case ConvVariant::mma:
      return precision == Precision::fp32 ? std::nullopt : std::optional(80);
    default:
      return is_new ? 80 : 70;
  }
}

bool can_run(ConvVariant variant, Precision precision, int compute_capability) {
  const std::optional<int> least = least_compute_capability(variant, precision);
  return least && compute_capability >= *least;
}

ConvVariant conv_variant(Precision precision, int compute_capability) {
  for (const ConvVariant variant : {ConvVariant::simt, ConvVariant::mma, ConvVariant::wmma})
    if (can_run(variant, precision, compute_capability)) return variant;
  throw Error(
      fmt::format("this GPU, or this build's code for it, has compute capability {}.{} and cannot compute in {}: use "
                  "--precision {}",
                  compute_capability / 10, compute_capability % 10, text(precision),
                  compute_capability >= 70 ? "fp16 or fp32" : "fp32"));
}

ConvBytes conv3x3_bytes(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  check_mode(mode);
  check_layer(l);
  if (mode.variant == ConvVariant::cudnn) return cudnn_bytes(l, pass, mode);
  if (pass == ConvPass::weight_gradient) return {0, weight_gradient_scratch_bytes(l)};
  return {packed_parts(l, pass, mode).elements() * element_bytes(mode.precision), 0};
}

void conv3x3_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream) {
  for (const ConvPacking& p : packings)
    check_packing(p.weight, p.pass, p.packed, conv3x3_bytes(p.layer, p.pass, mode), storage_of(mode));
  if (mode.variant != ConvVariant::cudnn) return pack_weights(packings, mode, stream);
  for (const ConvPacking& p : packings) cudnn_pack(p.layer, mode, p.weight, p.packed.data(), stream);
}

void conv3x3_forward(const Conv3x3Forward& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::forward, mode);
  if (mode.variant == ConvVariant::cudnn) return cudnn_forward(p, layer, mode, stream);
  kernels_of(mode).forward(p, layer, mode, stream);
}

void conv3x3_data_gradient(const Conv3x3DataGradient& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::data_gradient, mode);
  if (mode.variant == ConvVariant::cudnn) return cudnn_data_gradient(p, layer, mode, stream);
  kernels_of(mode).data_gradient(p, layer, mode, stream);
}

void conv3x3_weight_gradient(const Conv3x3WeightGradient& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::weight_gradient, mode);
  if (mode.variant == ConvVariant::cudnn) return cudnn_weight_gradient(p, layer, mode, stream);
  kernels_of(mode).weight_gradient(p, layer, stream);
}

}  // namespace n2s::device
