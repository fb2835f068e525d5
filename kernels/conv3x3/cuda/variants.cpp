// The table of variants, in the order of preference. cuDNN comes last: it only runs where it is asked for.
#include "kernels/conv3x3/cuda/variants.h"

#include <algorithm>
#include <array>

#include "kernels/base/error.h"

namespace n2s::device {

std::span<const ConvVariantRow> conv_variants() {
  using enum Precision;
  static const std::array rows{
      ConvVariantRow{ConvVariant::simt, "simt", {{fp32, 0}}, simt_kernels},
      ConvVariantRow{ConvVariant::mma, "mma", {{tf32, 80}, {fp16, 80}, {bf16, 80}}, mma_kernels},
      ConvVariantRow{ConvVariant::wmma, "wmma", {{fp16, 70}}, wmma_kernels},
      ConvVariantRow{
          ConvVariant::cudnn, "cudnn", {{fp32, 70}, {tf32, 80}, {fp16, 70}, {bf16, 80}}, cudnn_kernels, true},
  };
  return rows;
}

const ConvVariantRow& row_of(ConvVariant variant) {
  const std::span<const ConvVariantRow> rows = conv_variants();
  const auto row = std::ranges::find(rows, variant, &ConvVariantRow::variant);
  if (row == rows.end()) throw Error("conv3x3: the table of variants has no row for this one");
  return *row;
}

}  // namespace n2s::device
