// The element types of tensors on the device, and 16-byte vectors of them, the widest access of a thread.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace n2s::device {

__device__ __forceinline__ float to_float(float value) {
  return value;
}
__device__ __forceinline__ float to_float(__half value) {
  return __half2float(value);
}
__device__ __forceinline__ float to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

template <typename T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ __half from_float<__half>(float value) {
  return __float2half_rn(value);
}
template <>
__device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

/// Elements in 16 bytes.
template <typename T>
inline constexpr int kVector = 16 / static_cast<int>(sizeof(T));

/// 16 bytes of elements, loaded and stored at once; both ends are aligned to 16 bytes.
template <typename T>
struct alignas(16) Vector {
  T values[kVector<T>];
  __device__ __forceinline__ T& operator[](int i) { return values[i]; }
  __device__ __forceinline__ const T& operator[](int i) const { return values[i]; }
};

template <typename T>
__device__ __forceinline__ Vector<T> load_vector(const T* from) {
  union {
    uint4 bits;
    Vector<T> vector;
  } result;
  result.bits = *reinterpret_cast<const uint4*>(from);
  return result.vector;
}

template <typename T>
__device__ __forceinline__ void store_vector(T* to, const Vector<T>& vector) {
  *reinterpret_cast<Vector<T>*>(to) = vector;
}

template <typename T>
__device__ __forceinline__ Vector<T> zero_vector() {
  Vector<T> result;
  for (int i = 0; i < kVector<T>; ++i) result[i] = from_float<T>(0.0F);
  return result;
}

/// Eight consecutive channels as floats, by 16-byte accesses (two of them for float).
template <typename T>
__device__ __forceinline__ void load8(const T* from, float (&to)[8]) {
#pragma unroll
  for (int v = 0; v < 8; v += kVector<T>) {
    const Vector<T> vector = load_vector(from + v);
#pragma unroll
    for (int i = 0; i < kVector<T>; ++i) to[v + i] = to_float(vector[i]);
  }
}

template <typename T>
__device__ __forceinline__ void store8(T* to, const float (&from)[8]) {
#pragma unroll
  for (int v = 0; v < 8; v += kVector<T>) {
    Vector<T> vector;
#pragma unroll
    for (int i = 0; i < kVector<T>; ++i) vector[i] = from_float<T>(from[v + i]);
    store_vector(to + v, vector);
  }
}

}  // namespace n2s::device
