// Launches kernels and checks for errors. The same call runs a kernel on the device and, in the tests, on the CPU, so
// <<<>>> is used nowhere.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>

#include "kernels/device/check.h"

namespace n2s::device {

struct LaunchShape {
  dim3 grid, block;
  std::size_t shared_bytes = 0;  // dynamic shared memory per block
  cudaStream_t stream = nullptr;
};

/// Dynamic shared memory that a block gets without opting in to more.
inline constexpr std::size_t kDefaultSharedBytes = std::size_t{48} << 10;

/// What a block can opt in to on compute capability 8.6, 8.9 and 12.0, the smallest limit from 8.0 on.
inline constexpr std::size_t kLeastSharedBytes = std::size_t{99} << 10;

/// Bytes of shared memory that a block can opt in to on the current device. Throws Error.
inline std::size_t most_shared_bytes() {
  int device = 0;
  int bytes = 0;
  check(cudaGetDevice(&device), "querying the GPU's shared memory");
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "querying the GPU's shared memory");
  return static_cast<std::size_t>(bytes);
}

template <typename... Parameters, typename... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), const LaunchShape& shape, Arguments&&... arguments) {
  if (shape.shared_bytes > kDefaultSharedBytes)
    check(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes)),
        name);
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = shape.stream;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), name);
}

/// Blocks of `threads` threads for `count` elements.
inline unsigned blocks_for(std::size_t count, unsigned threads) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

}  // namespace n2s::device
