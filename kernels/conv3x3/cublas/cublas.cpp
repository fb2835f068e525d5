// The cublas variant: the convolution as one matrix product (im2col), by NVIDIA's library, some rows of the images at a
// time. What products cannot do is done by kernels around them, as with cuDNN.
#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/conv3x3/cublas/im2col.h"
#include "kernels/conv3x3/cublas/products.h"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/unfused/operands.h"

namespace n2s::device {
namespace {

/// Bytes of the matrix of patches. Little in emulation, whose layers are small, so that they too take several.
#ifdef N2S_EMULATION
constexpr std::size_t kMostPatches = std::size_t{64} << 10;
#else
constexpr std::size_t kMostPatches = std::size_t{256} << 20;
#endif

CublasProducts& products_of(const ConvMode& mode) {
  if (mode.cublas == nullptr) throw Error("conv3x3: the cublas variant needs its products");
  return *mode.cublas;
}

/// A pass as products: what patches are made of, and how many rows of it at a time.
struct Products {
  PatchSource source;
  int rows = 0, rows_at_once = 0;
  PatchProduct product;  // of rows_at_once

  Products(ConvPass pass, const Conv3x3Layer& l, const ConvMode& mode) {
    const int joint = unfused::joint_channels(l);
    const int out = padded_channels(l.out_channels);
    const bool is_gradient = pass == ConvPass::data_gradient;
    source = {nullptr, l.height, l.width, is_gradient ? out : joint};
    product = {pass == ConvPass::weight_gradient, mode.precision, 0, 9 * source.channels, is_gradient ? joint : out};
    rows = l.batch * l.height;
    const std::size_t row =
        static_cast<std::size_t>(l.width) * static_cast<std::size_t>(product.depth) * element_bytes(mode.precision);
    rows_at_once = std::clamp(static_cast<int>(std::min<std::size_t>(kMostPatches / row, 1U << 30)), 1, rows);
    product.pixels = pixels_of(rows_at_once);
  }
  std::int64_t pixels_of(int count) const { return std::int64_t{count} * source.width; }
  PatchProduct last() const {
    PatchProduct rest = product;
    rest.pixels = pixels_of((rows - 1) % rows_at_once + 1);
    return rest;
  }
};

struct Scratch {
  void* source = nullptr;           // upsampled and concatenated
  void* output_gradient = nullptr;  // dense plus pooled
  void* result = nullptr;           // of the products
  void* bias = nullptr;
  void* patches = nullptr;
  void* workspace = nullptr;
  std::size_t bytes = 0;

  Scratch(ConvPass pass, const Conv3x3Layer& l, const ConvMode& mode, std::byte* memory) {
    const Products work(pass, l, mode);
    const std::size_t element = element_bytes(mode.precision);
    const std::size_t joint = element * elements_of({l.batch, l.height, l.width, unfused::joint_channels(l)});
    const std::size_t out = element * elements_of({l.batch, l.height, l.width, l.out_channels});
    unfused::Regions regions(memory);
    if (pass != ConvPass::data_gradient && l.low_channels > 0) source = regions.take(joint);
    if (pass != ConvPass::forward && l.height % 2 == 0 && l.width % 2 == 0) output_gradient = regions.take(out);
    result = regions.take(pass == ConvPass::forward         ? out
                          : pass == ConvPass::data_gradient ? joint
                                                            : sizeof(float) * unfused::weight_elements(l));
    if (pass == ConvPass::weight_gradient) bias = regions.take(unfused::bias_scratch_bytes(l));
    patches = regions.take(static_cast<std::size_t>(work.product.pixels) *
                           static_cast<std::size_t>(work.product.depth) * element);
    workspace = regions.take(
        std::max(products_of(mode).workspace_bytes(work.product), products_of(mode).workspace_bytes(work.last())));
    bytes = regions.bytes();
  }
};

/// All rows: patches, then their product. `other` are weights, or (by pixels) output gradients.
void run_products(Products work, const void* images, const void* other, void* result, const Scratch& scratch,
                  const ConvMode& mode, cudaStream_t stream) {
  work.source.images = images;
  const std::size_t pixel_bytes =
      static_cast<std::size_t>(work.product.outputs) * element_bytes(mode.precision);  // of what goes by pixels
  for (int first = 0; first < work.rows; first += work.rows_at_once) {
    const int count = std::min(work.rows_at_once, work.rows - first);
    make_patches(work.source, {first, count}, mode.precision, scratch.patches, stream);
    const auto offset = static_cast<std::size_t>(work.pixels_of(first)) * pixel_bytes;
    const bool is_weight_gradient = work.product.is_weight_gradient;
    const PatchOperands operands{
        scratch.patches, is_weight_gradient ? static_cast<const std::byte*>(other) + offset : other,
        is_weight_gradient ? result : static_cast<std::byte*>(result) + offset, is_weight_gradient && first > 0};
    products_of(mode).run(count == work.rows_at_once ? work.product : work.last(), operands, scratch.workspace, stream);
  }
}

ConvBytes cublas_bytes(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  const bool has_weights = pass != ConvPass::weight_gradient;
  return {has_weights ? unfused::weight_elements(l) * element_bytes(mode.precision) : 0,
          Scratch(pass, l, mode, nullptr).bytes};
}

void cublas_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream) {
  for (const ConvPacking& p : packings)
    if (p.pass == ConvPass::forward)
      unfused::pack_weights(p.layer, mode.precision, p.weight, p.packed.data(), stream);
    else
      pack_flipped_weights(p.layer, mode.precision, p.weight, p.packed.data(), stream);
}

void cublas_forward(const Conv3x3Forward& p, const Conv3x3Layer& l, const ConvMode& mode, cudaStream_t stream) {
  const Scratch scratch(ConvPass::forward, l, mode, p.scratch.data());
  const void* source = unfused::whole_source(p.source, l, mode.precision, scratch.source, stream);
  void* result = p.out ? p.out.data : scratch.result;
  run_products({ConvPass::forward, l, mode}, source, p.packed.data(), result, scratch, mode, stream);
  unfused::finish_outputs(p, l, mode.precision, result, stream);
}

void cublas_data_gradient(const Conv3x3DataGradient& p, const Conv3x3Layer& l, const ConvMode& mode,
                          cudaStream_t stream) {
  const Scratch scratch(ConvPass::data_gradient, l, mode, p.scratch.data());
  const bool bare = l.low_channels == 0 && !p.skip.activated && !p.skip.accumulate;
  const void* gradient =
      unfused::whole_output_gradient(p.output_gradient, l, mode.precision, scratch.output_gradient, stream);
  void* result = bare ? p.skip.gradient.data : scratch.result;
  run_products({ConvPass::data_gradient, l, mode}, gradient, p.packed.data(), result, scratch, mode, stream);
  if (!bare) unfused::split_gradient(p, l, mode.precision, result, stream);
}

void cublas_weight_gradient(const Conv3x3WeightGradient& p, const Conv3x3Layer& l, const ConvMode& mode,
                            cudaStream_t stream) {
  const Scratch scratch(ConvPass::weight_gradient, l, mode, p.scratch.data());
  const void* source = unfused::whole_source(p.source, l, mode.precision, scratch.source, stream);
  const void* gradient =
      unfused::whole_output_gradient(p.output_gradient, l, mode.precision, scratch.output_gradient, stream);
  run_products({ConvPass::weight_gradient, l, mode}, source, gradient, scratch.result, scratch, mode, stream);
  unfused::unpack_weights(l, Precision::fp32, scratch.result, p.weight_gradient.as<float>(), stream);
  if (p.bias_gradient)
    unfused::bias_gradient(gradient, l, mode.precision, static_cast<float*>(scratch.bias), p.bias_gradient.as<float>(),
                           stream);
}

}  // namespace

ConvKernels cublas_kernels(Precision) {
  return {cublas_bytes, cublas_pack, cublas_forward, cublas_data_gradient, cublas_weight_gradient};
}

}  // namespace n2s::device
