// Volta's own matrix instruction, mma.sync.m8n8k4 (sm_70): each quad pair of a warp, lanes 4 q to 4 q + 3 and the same
// plus 16, multiplies 8x4 by 4x8 elements of its own. Lane maps are those of the PTX manual (section "Matrix fragments
// for mma.m8n8k4 with .f16 floating point type"). Newer GPUs have no such unit: code for those traps. In emulation the
// lanes exchange what they hold.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifdef N2S_EMULATION
#include "emulation/warp.h"
#endif

namespace n2s::device {

/// How a lane holds the left factor: four elements of one row, or of one column.
enum class LeftFactor { by_rows, by_columns };

#ifdef N2S_EMULATION

inline void load_shared(std::uint32_t (&words)[4], const __half* from) {
  const uint4 v = *reinterpret_cast<const uint4*>(from);
  words[0] = v.x;
  words[1] = v.y;
  words[2] = v.z;
  words[3] = v.w;
}
inline void load_shared(std::uint32_t& low, std::uint32_t& high, const __half* from) {
  const uint2 v = *reinterpret_cast<const uint2*>(from);
  low = v.x;
  high = v.y;
}

template <LeftFactor Left>
void multiply_8_8_4(float (&c)[8], const std::uint32_t (&a)[2], const std::uint32_t (&b)[2]) {
  struct Registers {
    std::uint32_t a[2], b[2];
  };
  const Registers* lanes = emulation::warp_gather(Registers{{a[0], a[1]}, {b[0], b[1]}});
  const auto element = [](const std::uint32_t(&words)[2], int index) {
    return __half2float(__ushort_as_half(static_cast<std::uint16_t>(words[index / 2] >> (16 * (index % 2)))));
  };
  const int lane = static_cast<int>(threadIdx.x % 32);
  const int first = lane / 4 % 4 * 4;  // of the quad pair
  for (int i = 0; i < 8; ++i) {
    const int row = lane % 2 + (i & 2) + lane / 16 * 4;
    const int column = (i & 4) + (lane & 2) + i % 2;
    for (int k = 0; k < 4; ++k) {
      const int row_lane = first + row / 4 * 16 + (Left == LeftFactor::by_rows ? row % 4 : k);
      const float left = element(lanes[row_lane].a, Left == LeftFactor::by_rows ? k : row % 4);
      c[i] += left * element(lanes[first + column / 4 * 16 + k].b, column % 4);
    }
  }
}

#else

/// Eight elements, aligned to 16 bytes.
__device__ __forceinline__ void load_shared(std::uint32_t (&words)[4], const __half* from) {
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(from)))
               : "memory");
}
/// Four elements, aligned to 8 bytes.
__device__ __forceinline__ void load_shared(std::uint32_t& low, std::uint32_t& high, const __half* from) {
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];\n"
               : "=r"(low), "=r"(high)
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(from)))
               : "memory");
}

/// c (8x8) += a (8x4) * b (4x8) in every quad pair, of fp16 factors; b is held by rows.
template <LeftFactor Left>
__device__ __forceinline__ void multiply_8_8_4(float (&c)[8], const std::uint32_t (&a)[2],
                                               const std::uint32_t (&b)[2]) {
#if __CUDA_ARCH__ >= 750
  __trap();
#else
  if constexpr (Left == LeftFactor::by_rows)
    asm volatile(
        "mma.sync.aligned.m8n8k4.row.row.f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, "
        "{%0, %1, %2, %3, %4, %5, %6, %7};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7])
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]));
  else
    asm volatile(
        "mma.sync.aligned.m8n8k4.col.row.f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, "
        "{%0, %1, %2, %3, %4, %5, %6, %7};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7])
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]));
#endif
}

#endif

}  // namespace n2s::device
