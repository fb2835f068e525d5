// Launch shape of elementwise kernels: one element per thread, 256 threads per block.
#pragma once

#include "kernels/device/launch.h"

namespace n2s::device {

inline constexpr unsigned kGridThreads = 256;

__device__ __forceinline__ std::size_t grid_index() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

inline LaunchShape grid_for(std::size_t count, cudaStream_t stream) {
  return {dim3(blocks_for(count, kGridThreads)), dim3(kGridThreads), 0, stream};
}

}  // namespace n2s::device
