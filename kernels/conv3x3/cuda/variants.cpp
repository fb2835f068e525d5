// The table of variants, in the order of preference. NVIDIA's libraries come last: they only run where they are asked
// for.
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
      ConvVariantRow{ConvVariant::mma_sm70, "mma_sm70", {{fp16, 70}}, mma_sm70_kernels, ConvLibrary::none, 72},
      ConvVariantRow{ConvVariant::wmma, "wmma", {{fp16, 70}}, wmma_kernels},
      ConvVariantRow{ConvVariant::cudnn,
                     "cudnn",
                     {{fp32, 70}, {tf32, 80}, {fp16, 70}, {bf16, 80}},
                     cudnn_kernels,
                     ConvLibrary::cudnn},
      ConvVariantRow{ConvVariant::cublas,
                     "cublas",
                     {{fp32, 70}, {tf32, 80}, {fp16, 70}, {bf16, 80}},
                     cublas_kernels,
                     ConvLibrary::cublas},
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
