// What cuda.cpp starts: the kernels of each variant, compiled in a file each, and what they share.
#pragma once

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device {

/// One variant's three kernels. Problems have been checked, and describe the layer.
struct ConvKernels {
  void (*forward)(const Conv3x3Forward&, const Conv3x3Layer&, const ConvMode&, cudaStream_t);
  void (*data_gradient)(const Conv3x3DataGradient&, const Conv3x3Layer&, const ConvMode&, cudaStream_t);
  void (*weight_gradient)(const Conv3x3WeightGradient&, const Conv3x3Layer&, cudaStream_t);
};

ConvKernels simt_kernels();
ConvKernels wmma_kernels();
ConvKernels mma_kernels(Precision precision);

/// Packs weights for all three (pack.cu).
void pack_weights(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream);

/// Bytes of the partial sums of a weight gradient, for all three (reduce.cu).
std::size_t weight_gradient_scratch_bytes(const Conv3x3Layer& layer);

}  // namespace n2s::device
