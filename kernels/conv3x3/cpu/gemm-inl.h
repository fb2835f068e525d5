// Small matrix products with everything in cache: C (+)= A * B, register-blocked as in Goto & van de Geijn 2008. B is
// in panels of a few vectors, chosen so that the nets' channel counts (32, 48, 64, 96, 128, 144) waste no lanes.
// The order of summation over k is the same in every block shape: results do not depend on how rows are cut.
#if defined(N2S_KERNELS_CONV3X3_CPU_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_GEMM_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_GEMM_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_GEMM_INL_H_
#endif

#include "kernels/conv3x3/cpu/lanes-inl.h"
#include "kernels/conv3x3/cpu/panels.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

// 32 vector registers (AVX-512, NEON) hold 24 accumulators, 16 (AVX2, SSE) hold 12, next to B's vectors and one of A.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;
constexpr int kPanelVectors = kManyRegisters ? 4 : 3;
constexpr int block_rows(int vectors) {
  if (kManyRegisters) return vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
  return vectors == 3 ? 4 : 6;
}

// A is (rows, K): element (r, k) at a[r * stride + k], or at a[k * stride + r] when kTransposed.
struct MatrixA {
  const float* data;
  std::ptrdiff_t stride;
};

template <bool kTransposed, int kRows, int kVectors>
HWY_INLINE void gemm_tile(std::ptrdiff_t depth, MatrixA a, const float* HWY_RESTRICT b, std::ptrdiff_t b_stride,
                          float* HWY_RESTRICT c, std::ptrdiff_t c_stride, bool add) {
  Vec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(kFloat);
  const float* HWY_RESTRICT pa = a.data;
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    Vec row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = hn::Load(kFloat, b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec x = hn::Set(kFloat, kTransposed ? pa[r] : pa[r * a.stride]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(x, row[v], sum[r][v]);
    }
    pa += kTransposed ? a.stride : 1;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* place = c + r * c_stride + v * kLanes;
      hn::Store(add ? hn::Add(sum[r][v], hn::Load(kFloat, place)) : sum[r][v], kFloat, place);
    }
}

template <bool kTransposed, int kVectors>
HWY_NOINLINE void gemm_panel(int rows, std::ptrdiff_t depth, MatrixA a, const float* b, std::ptrdiff_t b_stride,
                             float* c, std::ptrdiff_t c_stride, bool add) {
  constexpr int kBlock = block_rows(kVectors);
  const std::ptrdiff_t a_step = kTransposed ? 1 : a.stride;
  const auto run = [&]<int kRows>() HWY_ATTR {
    for (; rows >= kRows; rows -= kRows) {
      gemm_tile<kTransposed, kRows, kVectors>(depth, a, b, b_stride, c, c_stride, add);
      a.data += kRows * a_step;
      c += kRows * c_stride;
    }
  };
  run.template operator()<kBlock>();
  if constexpr (kBlock > 4) run.template operator()<4>();
  run.template operator()<3>();
  run.template operator()<2>();
  run.template operator()<1>();
}

struct MatrixB {
  const float* data;
  std::ptrdiff_t columns;  // padded to a multiple of 16
  std::ptrdiff_t stride;   // floats between rows, or kPacked: panel by panel, as weights are
};
constexpr std::ptrdiff_t kPacked = 0;

// C: (rows, columns) with c_stride floats between rows; `add` to what is there or overwrite it. 64-byte aligned rows.
template <bool kTransposed>
void gemm(int rows, std::ptrdiff_t depth, MatrixA a, MatrixB b, float* c, std::ptrdiff_t c_stride, bool add) {
  const Panels panels(b.columns, kLanes, kPanelVectors);
  for (int p = 0; p < panels.count; ++p) {
    const std::ptrdiff_t first = std::ptrdiff_t{panels.first(p)} * kLanes;
    const float* data = b.data + (b.stride == kPacked ? first * depth : first);
    const std::ptrdiff_t stride = b.stride == kPacked ? std::ptrdiff_t{panels.width(p)} * kLanes : b.stride;
    switch (panels.width(p)) {
      case 1:
        gemm_panel<kTransposed, 1>(rows, depth, a, data, stride, c + first, c_stride, add);
        break;
      case 2:
        gemm_panel<kTransposed, 2>(rows, depth, a, data, stride, c + first, c_stride, add);
        break;
      case 3:
        gemm_panel<kTransposed, 3>(rows, depth, a, data, stride, c + first, c_stride, add);
        break;
      default:
        gemm_panel<kTransposed, kPanelVectors>(rows, depth, a, data, stride, c + first, c_stride, add);
        break;
    }
  }
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
