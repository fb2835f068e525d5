// Converts between the layout of host tensors (fp32, dense) and that of device tensors (any precision, channels padded
// with zeros). Both are in device memory.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/tensor.h"

namespace n2s::device {

/// `dense` is device memory with shape.elements() floats, NHWC.
void pad_channels(const float* dense, const DeviceTensor& padded, Precision precision, cudaStream_t stream);
void strip_channels(const DeviceTensor& padded, Precision precision, float* dense, cudaStream_t stream);

}  // namespace n2s::device
