// Asynchronous 16-byte copies from device memory into shared memory that bypass the registers (cp.async, sm_80 and up).
// Older devices and the emulation copy synchronously.
#pragma once

#include <cuda_runtime.h>

namespace n2s::device {

#if !defined(N2S_EMULATION) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
inline constexpr bool kCopiesAreAsynchronous = true;
#else
inline constexpr bool kCopiesAreAsynchronous = false;
#endif

/// Copies 16 bytes, or writes zeros where `valid` is false (then `from` is not read).
template <typename T>
__device__ __forceinline__ void copy_async(T* to, const T* from, bool valid) {
#if !defined(N2S_EMULATION) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(from), "r"(bytes) : "memory");
#else
  *reinterpret_cast<uint4*>(to) = valid ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
#endif
}

/// Closes the group of copies that this thread has started.
__device__ __forceinline__ void commit_copies() {
#if !defined(N2S_EMULATION) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;\n" ::: "memory");
#endif
}

/// Waits until at most `Pending` of this thread's groups are in flight. To read other threads' copies, a barrier must
/// follow.
template <int Pending>
__device__ __forceinline__ void wait_copies() {
#if !defined(N2S_EMULATION) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;\n" ::"n"(Pending) : "memory");
#endif
}

}  // namespace n2s::device
