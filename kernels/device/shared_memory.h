// The dynamic shared memory of a block. Kernels lay it out as one struct or by offsets.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#ifdef N2S_EMULATION
#include "emulation/block.h"
#endif

namespace n2s::device {

/// The beginning of the block's dynamic shared memory, as big as the launch asked for.
template <typename T>
__device__ __forceinline__ T* shared_memory() {
#ifdef N2S_EMULATION
  return reinterpret_cast<T*>(emulation::shared_memory());
#else
  extern __shared__ __align__(128) unsigned char n2s_shared_memory[];
  return reinterpret_cast<T*>(n2s_shared_memory);
#endif
}

}  // namespace n2s::device
