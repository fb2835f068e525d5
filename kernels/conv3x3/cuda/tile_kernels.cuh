// Compiles the three passes for a matrix tile: what simt.cu, wmma.cu, mma_sm70.cu and mma.cu consist of.
#pragma once

#include "kernels/conv3x3/cuda/data_gradient.cuh"
#include "kernels/conv3x3/cuda/forward.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cuda/weight_gradient.cuh"

namespace n2s::device {

template <typename Tile>
ConvKernels tile_kernels() {
  return {tile_bytes, pack_weights, run_forward<Tile>, run_data_gradient<Tile>, run_weight_gradient<Tile>};
}

}  // namespace n2s::device
