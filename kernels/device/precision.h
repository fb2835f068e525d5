// From the run-time choice of a precision to the element type that a kernel is compiled for.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/device/tensor.h"

namespace n2s::device {

/// Calls work(T{}) with the element type of the precision.
template <typename Work>
void with_element(Precision precision, Work&& work) {
  if (element_bytes(precision) == 4) return work(float{});
  if (precision == Precision::fp16) return work(__half{});
  work(__nv_bfloat16{});
}

}  // namespace n2s::device
