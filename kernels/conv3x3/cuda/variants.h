// What a variant provides to the table (variants.cpp): functions that cuda.cpp calls, compiled in a file per variant.
#pragma once

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device {

/// A variant in one precision. Problems and packings have been checked, and describe the layer.
struct ConvKernels {
  ConvBytes (*bytes)(const Conv3x3Layer&, ConvPass, const ConvMode&);
  void (*pack)(std::span<const ConvPacking>, const ConvMode&, cudaStream_t);
  void (*forward)(const Conv3x3Forward&, const Conv3x3Layer&, const ConvMode&, cudaStream_t);
  void (*data_gradient)(const Conv3x3DataGradient&, const Conv3x3Layer&, const ConvMode&, cudaStream_t);
  void (*weight_gradient)(const Conv3x3WeightGradient&, const Conv3x3Layer&, const ConvMode&, cudaStream_t);
};

ConvKernels simt_kernels(Precision precision);
ConvKernels wmma_kernels(Precision precision);
ConvKernels mma_sm70_kernels(Precision precision);
ConvKernels mma_kernels(Precision precision);
ConvKernels cudnn_kernels(Precision precision);
ConvKernels cublas_kernels(Precision precision);

// What the variants with matrix tiles share.

/// Packed weights, and the partial sums of a weight gradient (pack.cu).
ConvBytes tile_bytes(const Conv3x3Layer& layer, ConvPass pass, const ConvMode& mode);

/// All weights of a batch in as few launches as possible (pack.cu).
void pack_weights(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream);

/// Bytes of the partial sums of a weight gradient (reduce.cu).
std::size_t weight_gradient_scratch_bytes(const Conv3x3Layer& layer);

}  // namespace n2s::device
