// The 3x3 convolution on a GPU: checks the problem, finds the variant in the table and hands over to it.
#include "kernels/conv3x3/cuda/cuda.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/cuda/variants.h"

namespace n2s::device {
namespace {

/// Where the variant has kernels for the precision: the compute capability from which on they run.
const ConvPrecision* find_precision(const ConvVariantRow& row, Precision precision) {
  const auto found = std::ranges::find(row.precisions, precision, &ConvPrecision::precision);
  return found == row.precisions.end() ? nullptr : &*found;
}

ConvKernels kernels_of(const ConvMode& mode) {
  const ConvVariantRow& row = row_of(mode.variant);
  if (find_precision(row, mode.precision) != nullptr) return row.kernels(mode.precision);
  throw Error(fmt::format("conv3x3: the {} variant does not compute in {}", row.name, name_of(mode.precision)));
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

bool can_run(ConvVariant variant, Precision precision, int compute_capability) {
  const ConvVariantRow& row = row_of(variant);
  const ConvPrecision* found = find_precision(row, precision);
  return found != nullptr && compute_capability >= found->compute_capability && compute_capability <= row.newest;
}

ConvVariant default_variant(Precision precision, int compute_capability, int gpu) {
  for (const ConvVariantRow& row : conv_variants())
    if (gpu <= row.newest && can_run(row.variant, precision, compute_capability)) return row.variant;
  throw Error(
      fmt::format("this GPU, or this build's code for it, has compute capability {}.{} and cannot compute in {}: use "
                  "--precision {}",
                  compute_capability / 10, compute_capability % 10, name_of(precision),
                  compute_capability >= 70 ? "fp16 or fp32" : "fp32"));
}

ConvBytes conv3x3_bytes(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  const ConvKernels kernels = kernels_of(mode);
  check_layer(l);
  return kernels.bytes(l, pass, mode);
}

void conv3x3_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream) {
  for (const ConvPacking& p : packings)
    check_packing(p.weight, p.pass, p.packed, conv3x3_bytes(p.layer, p.pass, mode), storage_of(mode));
  kernels_of(mode).pack(packings, mode, stream);
}

void conv3x3_forward(const Conv3x3Forward& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::forward, mode);
  kernels_of(mode).forward(p, layer, mode, stream);
}

void conv3x3_data_gradient(const Conv3x3DataGradient& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::data_gradient, mode);
  kernels_of(mode).data_gradient(p, layer, mode, stream);
}

void conv3x3_weight_gradient(const Conv3x3WeightGradient& p, const ConvMode& mode, cudaStream_t stream) {
  const Conv3x3Layer layer = checked(p, ConvPass::weight_gradient, mode);
  kernels_of(mode).weight_gradient(p, layer, mode, stream);
}

}  // namespace n2s::device
