// The matrix instructions of sm_80 and up, one function each: ldmatrix and mma.sync, with the lane maps of the PTX
// manual (sections "ldmatrix" and "Matrix fragments for mma.m16n8k16 / m16n8k8"). In emulation the lanes exchange what
// they hold.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifdef N2S_EMULATION
#include <cstring>
#include <type_traits>

#include "emulation/warp.h"
#endif

namespace n2s::device {

#ifdef N2S_EMULATION

inline int warp_lane() {
  return static_cast<int>(threadIdx.x % 32);
}

/// One of the two 16-bit elements of a register.
template <typename T>
float element_of(std::uint32_t word, int index) {
  const auto bits = static_cast<std::uint16_t>(word >> (16 * index));
  if constexpr (std::is_same_v<T, __half>) return __half2float(__ushort_as_half(bits));
  return __bfloat162float(__ushort_as_bfloat16(bits));
}

template <bool Transposed>
void load_matrices(std::uint32_t (&words)[4], const void* row) {
  const void* const* rows = emulation::warp_gather(row);
  const int lane = warp_lane();
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::uint16_t pair[2];
    for (int i = 0; i < 2; ++i) {
      const int r = Transposed ? 2 * (lane % 4) + i : lane / 4;
      const int c = Transposed ? lane / 4 : 2 * (lane % 4) + i;
      pair[i] = static_cast<const std::uint16_t*>(rows[8 * matrix + r])[c];
    }
    words[matrix] = pair[0] | (static_cast<std::uint32_t>(pair[1]) << 16);
  }
}

template <typename T>
void multiply_16_8_16(float (&c)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  struct Registers {
    std::uint32_t a[4], b[2];
  };
  const Registers* lanes = emulation::warp_gather(Registers{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
  const int lane = warp_lane();
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + 8 * (i / 2);
    const int column = 2 * (lane % 4) + i % 2;
    for (int k = 0; k < 16; ++k) {
      const float left = element_of<T>(lanes[4 * (row % 8) + k % 8 / 2].a[row / 8 + 2 * (k / 8)], k % 2);
      const float right = element_of<T>(lanes[4 * column + k % 8 / 2].b[k / 8], k % 2);
      c[i] += left * right;
    }
  }
}

inline float round_to_tf32(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7F800000U) != 0x7F800000U) bits += 0x1000U;
  bits &= 0xFFFFE000U;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline void multiply_16_8_8(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
  struct Registers {
    float a[4], b[2];
  };
  const Registers* lanes = emulation::warp_gather(Registers{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
  const int lane = warp_lane();
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + 8 * (i / 2);
    const int column = 2 * (lane % 4) + i % 2;
    for (int k = 0; k < 8; ++k)
      c[i] += lanes[4 * (row % 8) + k % 4].a[row / 8 + 2 * (k / 4)] * lanes[4 * column + k % 4].b[k / 4];
  }
}

#else

/// Four 8x8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8 (16 bytes, aligned).
template <bool Transposed>
__device__ __forceinline__ void load_matrices(std::uint32_t (&words)[4], const void* row) {
#if __CUDA_ARCH__ >= 750
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (Transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
#else
  __trap();
#endif
}

/// c (16x8) += a (16x16) * b (16x8), T = __half or __nv_bfloat16.
template <typename T>
__device__ __forceinline__ void multiply_16_8_16(float (&c)[4], const std::uint32_t (&a)[4],
                                                 const std::uint32_t (&b)[2]);

template <>
__device__ __forceinline__ void multiply_16_8_16<__half>(float (&c)[4], const std::uint32_t (&a)[4],
                                                         const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

template <>
__device__ __forceinline__ void multiply_16_8_16<__nv_bfloat16>(float (&c)[4], const std::uint32_t (&a)[4],
                                                                const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

/// The nearest number with 10 bits of mantissa: the tensor cores would cut the others off.
__device__ __forceinline__ float round_to_tf32(float value) {
#if __CUDA_ARCH__ >= 800
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(bits) : "f"(value));
  return __uint_as_float(bits);
#else
  return value;
#endif
}

/// c (16x8) += a (16x8) * b (8x8) in tf32.
__device__ __forceinline__ void multiply_16_8_8(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
        "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
  __trap();
#endif
}

#endif

}  // namespace n2s::device
