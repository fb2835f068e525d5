// The GPU variants that conv3x3/cuda.cpp chooses among; each is compiled in a file of its own.
#pragma once

#include "kernels/conv3x3/cuda.h"

namespace n2s::device {

/// One variant's three kernels. Shapes have been checked; scratch is large enough.
struct ConvKernels {
  void (*forward)(const DeviceConvForward&, const ConvMode&, cudaStream_t);
  void (*data_gradient)(const DeviceConvDataGradient&, const ConvMode&, cudaStream_t);
  void (*weight_gradient)(const DeviceConvWeightGradient&, float* scratch, cudaStream_t);
};

ConvKernels simt_kernels();
ConvKernels wmma_kernels();
ConvKernels mma_kernels(Precision precision);

}  // namespace n2s::device
