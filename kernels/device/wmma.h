// The matrix instructions of Volta (sm_70 and up), one function each: wmma's 16x16x16 products of fp16 factors with
// fp32 sums (PTX manual, "wmma"). The factors' addresses are 32-bit ones of shared memory; through nvcuda::wmma's
// pointers clang makes generic loads with 64-bit addresses, which take more registers and instructions. In emulation
// the lanes hold what nvcuda::wmma's fragments do there.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifdef N2S_EMULATION
#include <mma.h>
#endif

namespace n2s::device {

#ifdef N2S_EMULATION

using WmmaA = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::row_major>;
using WmmaATransposed = nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::col_major>;
using WmmaB = nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::row_major>;
using WmmaSums = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;

inline void clear(WmmaSums& sums) {
  nvcuda::wmma::fill_fragment(sums, 0.0F);
}
template <typename Factor>
void load_shared(Factor& factor, const __half* from, int pitch) {
  nvcuda::wmma::load_matrix_sync(factor, from, static_cast<unsigned>(pitch));
}
template <typename AnyA>
void multiply(WmmaSums& sums, const AnyA& a, const WmmaB& b) {
  nvcuda::wmma::mma_sync(sums, a, b, sums);
}
inline void store(float* to, const WmmaSums& sums, int pitch) {
  nvcuda::wmma::store_matrix_sync(to, sums, static_cast<unsigned>(pitch), nvcuda::wmma::mem_row_major);
}

#else

enum class WmmaFactor { a, a_transposed, b };

template <WmmaFactor Kind>
struct WmmaFragment {
  std::uint32_t words[8];
};
using WmmaA = WmmaFragment<WmmaFactor::a>;
using WmmaATransposed = WmmaFragment<WmmaFactor::a_transposed>;
using WmmaB = WmmaFragment<WmmaFactor::b>;
struct WmmaSums {
  float values[8];
};

__device__ __forceinline__ void clear(WmmaSums& sums) {
#pragma unroll
  for (float& value : sums.values) value = 0;
}

template <WmmaFactor Kind>
__device__ __forceinline__ void load_shared(WmmaFragment<Kind>& factor, const __half* from, int pitch) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(from));
  std::uint32_t(&w)[8] = factor.words;
  if constexpr (Kind == WmmaFactor::a)
    asm volatile("wmma.load.a.sync.aligned.row.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;\n"
                 : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3]), "=r"(w[4]), "=r"(w[5]), "=r"(w[6]), "=r"(w[7])
                 : "r"(address), "r"(pitch)
                 : "memory");
  else if constexpr (Kind == WmmaFactor::a_transposed)
    asm volatile("wmma.load.a.sync.aligned.col.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;\n"
                 : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3]), "=r"(w[4]), "=r"(w[5]), "=r"(w[6]), "=r"(w[7])
                 : "r"(address), "r"(pitch)
                 : "memory");
  else
    asm volatile("wmma.load.b.sync.aligned.row.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;\n"
                 : "=r"(w[0]), "=r"(w[1]), "=r"(w[2]), "=r"(w[3]), "=r"(w[4]), "=r"(w[5]), "=r"(w[6]), "=r"(w[7])
                 : "r"(address), "r"(pitch)
                 : "memory");
}

template <WmmaFactor Kind>
__device__ __forceinline__ void multiply(WmmaSums& sums, const WmmaFragment<Kind>& left, const WmmaB& right) {
  float(&c)[8] = sums.values;
  const std::uint32_t(&l)[8] = left.words;
  const std::uint32_t(&r)[8] = right.words;
  if constexpr (Kind == WmmaFactor::a)
    asm volatile(
        "wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, "
        "{%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, "
        "{%0, %1, %2, %3, %4, %5, %6, %7};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7])
        : "r"(l[0]), "r"(l[1]), "r"(l[2]), "r"(l[3]), "r"(l[4]), "r"(l[5]), "r"(l[6]), "r"(l[7]), "r"(r[0]), "r"(r[1]),
          "r"(r[2]), "r"(r[3]), "r"(r[4]), "r"(r[5]), "r"(r[6]), "r"(r[7]));
  else
    asm volatile(
        "wmma.mma.sync.aligned.col.row.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, "
        "{%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, "
        "{%0, %1, %2, %3, %4, %5, %6, %7};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]), "+f"(c[4]), "+f"(c[5]), "+f"(c[6]), "+f"(c[7])
        : "r"(l[0]), "r"(l[1]), "r"(l[2]), "r"(l[3]), "r"(l[4]), "r"(l[5]), "r"(l[6]), "r"(l[7]), "r"(r[0]), "r"(r[1]),
          "r"(r[2]), "r"(r[3]), "r"(r[4]), "r"(r[5]), "r"(r[6]), "r"(r[7]));
}

/// To shared or device memory.
__device__ __forceinline__ void store(float* to, const WmmaSums& sums, int pitch) {
  const float(&c)[8] = sums.values;
  asm volatile("wmma.store.d.sync.aligned.row.m16n16k16.f32 [%0], {%1, %2, %3, %4, %5, %6, %7, %8}, %9;\n" ::"l"(to),
               "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]), "f"(c[4]), "f"(c[5]), "f"(c[6]), "f"(c[7]), "r"(pitch)
               : "memory");
}

#endif

}  // namespace n2s::device
