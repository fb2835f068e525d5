// Mean squared error and its gradient on a GPU. Sums are in double and in fixed order: the same from run to run.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/tensor.h"

namespace n2s::device {

/// Bytes of device memory for the blocks' partial sums.
std::size_t mean_squared_error_scratch_bytes(const Shape& shape);

/// With `is_masked`, targets that are NaN do not count, as in masked_mean_squared_error().
/// *loss = mean((prediction - target)^2), without padding; gradient = 2 (prediction - target) / elements * *scale.
/// `scale` (device memory) keeps small gradients within the range of fp16; null: 1. Gradient may be null.
struct DeviceMeanSquaredError {
  DeviceTensor prediction, target, gradient;
  const float* scale = nullptr;
  double* loss = nullptr;  // device memory
  bool is_masked = false;
};
void mean_squared_error(const DeviceMeanSquaredError& problem, Precision precision, void* scratch, cudaStream_t stream);

}  // namespace n2s::device
