// Chooses the GPU variant and checks that shapes fit together before a kernel reads them.
#include "kernels/conv3x3/cuda.h"

#include <fmt/format.h>

#include "kernels/base/error.h"
#include "kernels/conv3x3/cudnn.h"
#include "kernels/conv3x3/variants.h"

namespace n2s::device {
namespace {

void require(bool fits, const char* what) {
  if (!fits) throw Error(fmt::format("convolution: {}", what));
}

ConvKernels kernels_of(const ConvMode& mode) {
  if (mode.variant == ConvVariant::simt) {
    require(mode.precision == Precision::fp32, "the simt variant computes in fp32 only");
    return simt_kernels();
  }
  if (mode.variant == ConvVariant::wmma) {
    require(mode.precision == Precision::fp16, "the wmma variant computes in fp16 only");
    return wmma_kernels();
  }
  require(mode.precision != Precision::fp32, "the mma variant computes in tf32, fp16 or bf16");
  return mma_kernels(mode.precision);
}

Shape doubled(const Shape& low) {
  return {low.batch, 2 * low.height, 2 * low.width, low.channels};
}

bool same_pixels(const Shape& a, const Shape& b) {
  return a.batch == b.batch && a.height == b.height && a.width == b.width;
}

/// Shape of the convolution's output as the source has it, without channels.
Shape output_pixels(const DeviceConvSource& source) {
  require(source.low || source.skip, "a source is missing");
  if (!source.low) return source.skip.shape;
  const Shape pixels = doubled(source.low.shape);
  require(!source.skip || same_pixels(pixels, source.skip.shape),
          "the low source is not half as large as the skip one");
  return pixels;
}

bool halves(const Shape& half, const Shape& whole) {
  return whole.height % 2 == 0 && whole.width % 2 == 0 && same_pixels(doubled(half), whole);
}

void check_upstream(const DeviceConvUpstream& upstream) {
  require(upstream.dense || upstream.pooled, "the gradient above is missing");
  if (!upstream.pooled) return;
  require(upstream.argmax != nullptr, "a pooled gradient needs the positions of the maxima");
  require(!upstream.dense || (halves(upstream.pooled.shape, upstream.dense.shape) &&
                              upstream.pooled.shape.channels == upstream.dense.shape.channels),
          "the pooled gradient is not half as large as the dense one");
}

Conv3x3Layer layer_of(const Shape& pixels, const DeviceConvSource& source, int out_channels) {
  return {pixels.batch,
          pixels.height,
          pixels.width,
          source.low ? source.low.shape.channels : 0,
          source.skip ? source.skip.shape.channels : 0,
          out_channels};
}

Shape upstream_pixels(const DeviceConvUpstream& upstream) {
  return upstream.dense ? upstream.dense.shape : doubled(upstream.pooled.shape);
}

}  // namespace

ConvVariant conv_variant(Precision precision, int compute_capability) {
  if (precision == Precision::fp32) return ConvVariant::simt;
  if (compute_capability >= 80) return ConvVariant::mma;
  if (precision == Precision::fp16 && compute_capability >= 70) return ConvVariant::wmma;
  throw Error(fmt::format("this GPU (compute capability {}.{}) cannot compute in {}: use --precision {}",
                          compute_capability / 10, compute_capability % 10,
                          precision == Precision::fp16   ? "fp16"
                          : precision == Precision::bf16 ? "bf16"
                                                         : "tf32",
                          compute_capability >= 70 ? "fp16 or fp32" : "fp32"));
}

std::size_t conv3x3_forward_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode) {
  return mode.variant == ConvVariant::cudnn ? cudnn_forward_scratch_bytes(layer, mode) : 0;
}

std::size_t conv3x3_data_gradient_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode) {
  return mode.variant == ConvVariant::cudnn ? cudnn_data_gradient_scratch_bytes(layer, mode) : 0;
}

void conv3x3_forward(const DeviceConvForward& p, const ConvMode& mode, cudaStream_t stream) {
  const Shape pixels = output_pixels(p.source);
  require(p.out || p.pooled, "no output is wanted");
  require(p.packed != nullptr && p.out_channels > 0, "weights are missing");
  require(!p.out || (same_pixels(p.out.shape, pixels) && p.out.shape.channels == p.out_channels),
          "the output's shape does not fit the source");
  require(!p.pooled || (halves(p.pooled.shape, pixels) && p.pooled.shape.channels == p.out_channels),
          "the pooled output is not half as large as the output");
  require(!p.residual || (same_pixels(p.residual.shape, pixels) && p.residual_channel >= 0 &&
                          p.residual_channel < p.residual.shape.channels),
          "the residual's shape does not fit the source");
  const Conv3x3Layer layer = layer_of(pixels, p.source, p.out_channels);
  require(p.scratch_bytes >= conv3x3_forward_scratch_bytes(layer, mode), "the scratch memory is too small");
  if (mode.variant == ConvVariant::cudnn) return cudnn_forward(p, layer, mode, stream);
  kernels_of(mode).forward(p, mode, stream);
}

void conv3x3_data_gradient(const DeviceConvDataGradient& p, const ConvMode& mode, cudaStream_t stream) {
  check_upstream(p.upstream);
  const Shape pixels = upstream_pixels(p.upstream);
  require(p.packed != nullptr, "weights are missing");
  require(p.low.gradient || p.skip.gradient, "no gradient is wanted");
  require(!p.low.gradient || (halves(p.low.gradient.shape, pixels) && p.low.gradient.shape.channels == p.low_channels),
          "the low gradient's shape does not fit the gradient above");
  require(!p.skip.gradient ||
              (same_pixels(p.skip.gradient.shape, pixels) && p.skip.gradient.shape.channels == p.skip_channels),
          "the skip gradient's shape does not fit the gradient above");
  for (const DeviceGradientTarget* to : {&p.low, &p.skip})
    require(!to->gradient || !to->activated || to->activated.shape == to->gradient.shape,
            "the activated tensor's shape is not the gradient's");
  const Conv3x3Layer layer{pixels.batch, pixels.height, pixels.width, p.low_channels, p.skip_channels, pixels.channels};
  require(p.scratch_bytes >= conv3x3_data_gradient_scratch_bytes(layer, mode), "the scratch memory is too small");
  if (mode.variant == ConvVariant::cudnn) return cudnn_data_gradient(p, layer, mode, stream);
  kernels_of(mode).data_gradient(p, mode, stream);
}

void conv3x3_weight_gradient(const DeviceConvWeightGradient& p, const ConvMode& mode, void* scratch,
                             std::size_t scratch_bytes, cudaStream_t stream) {
  check_upstream(p.upstream);
  const Shape pixels = upstream_pixels(p.upstream);
  require(same_pixels(output_pixels(p.source), pixels), "the source's shape does not fit the gradient above");
  require(p.weight_gradient != nullptr, "no gradient is wanted");
  const Conv3x3Layer layer = layer_of(pixels, p.source, pixels.channels);
  require(scratch_bytes >= conv3x3_weight_gradient_scratch_bytes(layer, mode), "the scratch memory is too small");
  if (mode.variant == ConvVariant::cudnn) return cudnn_weight_gradient(p, layer, mode, scratch, stream);
  kernels_of(mode).weight_gradient(p, static_cast<float*>(scratch), stream);
}

}  // namespace n2s::device
