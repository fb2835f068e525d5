// Replaces kernels/device/async_copy.h for instrumented kernels: copies synchronously, as the emulation does, and
// reports when a copy begins and when its thread has waited for it. In between, a GPU may write at any time.
#pragma once

#include <cuda_runtime.h>

#include "tests/memory_access/copies.h"

namespace n2s::device {

inline constexpr bool kCopiesAreAsynchronous = true;

template <typename T>
__device__ __forceinline__ void copy_async(T* to, const T* from, bool valid) {
  *reinterpret_cast<uint4*>(to) = valid ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
  emulation::copy_begins(to);
}

__device__ __forceinline__ void commit_copies() {
  emulation::copies_committed();
}

template <int Pending>
__device__ __forceinline__ void wait_copies() {
  emulation::copies_awaited(Pending);
}

}  // namespace n2s::device
