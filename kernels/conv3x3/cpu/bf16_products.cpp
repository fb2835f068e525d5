// With the instruction: register-blocked, 4 vectors of columns times 6 rows. Without: loops.
#include "kernels/conv3x3/cpu/bf16_products.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/conv3x3/cpu/panels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define N2S_BF16_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")))
#endif

namespace n2s::bf16 {
namespace {

constexpr int kLanes = 16;
constexpr int kVectors = 4;  // of a panel, at most

Word rounded(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value != value) return (bits >> 16U) | 0x40U;  // NaN stays NaN
  return (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
}

Word pair(float first, float second) {
  return rounded(first) | rounded(second) << 16U;
}

float first_of(Word word) {
  return std::bit_cast<float>(word << 16U);
}
float second_of(Word word) {
  return std::bit_cast<float>(word & 0xFFFF0000U);
}

void multiply_anywhere(int rows, std::ptrdiff_t words, const MatrixA& a, const MatrixB& b, float* c,
                       std::ptrdiff_t stride, bool add) {
  for (int r = 0; r < rows; ++r)
    for (std::ptrdiff_t column = 0; column < b.columns; ++column) {
      float sum = 0;
      for (std::ptrdiff_t i = 0; i < words; ++i) {
        const Word x = a.data[r * a.row + i * a.step];
        const Word y = b.data[i * b.stride + column];
        sum += first_of(x) * first_of(y) + second_of(x) * second_of(y);
      }
      float& place = c[r * stride + column];
      place = add ? place + sum : sum;
    }
}

#if defined(__x86_64__)

template <int kRows, int kWidth>
N2S_BF16_TARGET inline void tile(std::ptrdiff_t words, const MatrixA& a, const Word* b, std::ptrdiff_t b_stride,
                                 float* c, std::ptrdiff_t stride, bool add) {
  __m512 sum[kRows][kWidth];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kWidth; ++v) sum[r][v] = _mm512_setzero_ps();
  const Word* pa = a.data;
  for (std::ptrdiff_t i = 0; i < words; ++i) {
    __m512bh row[kWidth];
#pragma GCC unroll 4
    for (int v = 0; v < kWidth; ++v) row[v] = (__m512bh)_mm512_loadu_si512(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const auto x = (__m512bh)_mm512_set1_epi32(static_cast<int>(pa[r * a.row]));
#pragma GCC unroll 4
      for (int v = 0; v < kWidth; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, row[v]);
    }
    pa += a.step;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kWidth; ++v) {
      float* place = c + r * stride + v * kLanes;
      _mm512_storeu_ps(place, add ? _mm512_add_ps(sum[r][v], _mm512_loadu_ps(place)) : sum[r][v]);
    }
}

template <int kWidth>
N2S_BF16_TARGET void panel(int rows, std::ptrdiff_t words, MatrixA a, const Word* b, std::ptrdiff_t b_stride, float* c,
                           std::ptrdiff_t stride, bool add) {
  constexpr int kBlock = kWidth == 4 ? 6 : kWidth == 3 ? 8 : 12;  // 24 sums beside B's vectors and one of A
  for (; rows >= kBlock; rows -= kBlock, a.data += kBlock * a.row, c += kBlock * stride)
    tile<kBlock, kWidth>(words, a, b, b_stride, c, stride, add);
  for (; rows >= 4; rows -= 4, a.data += 4 * a.row, c += 4 * stride)
    tile<4, kWidth>(words, a, b, b_stride, c, stride, add);
  for (; rows > 0; --rows, a.data += a.row, c += stride) tile<1, kWidth>(words, a, b, b_stride, c, stride, add);
}

void multiply_in_vectors(int rows, std::ptrdiff_t words, const MatrixA& a, const MatrixB& b, float* c,
                         std::ptrdiff_t stride, bool add) {
  const Panels panels(b.columns, kLanes, kVectors);
  for (int p = 0; p < panels.count; ++p) {
    const std::ptrdiff_t first = std::ptrdiff_t{panels.first(p)} * kLanes;
    const auto run = panels.width(p) == 1   ? panel<1>
                     : panels.width(p) == 2 ? panel<2>
                     : panels.width(p) == 3 ? panel<3>
                                            : panel<4>;
    run(rows, words, a, b.data + first, b.stride, c + first, stride, add);
  }
}

/// Neighbouring values become words: 32 at a time, then 16, and the rest under a mask.
N2S_BF16_TARGET void pair_row(const float* from, int values, Word* to) {
  int i = 0;
  for (; i + 32 <= values; i += 32)
    _mm512_storeu_si512(to + i / 2,
                        (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16), _mm512_loadu_ps(from + i)));
  for (; i < values; i += kLanes) {
    const auto left = static_cast<unsigned>(std::min(values - i, kLanes));
    const __m512 row = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << left) - 1), from + i);
    const auto words = static_cast<__mmask8>((1U << (left + 1) / 2) - 1);
    _mm256_mask_storeu_epi32(to + i / 2, words, (__m256i)_mm512_cvtneps_pbh(row));
  }
}

/// Values of two rows become words: 16 columns at a time.
N2S_BF16_TARGET void pair_two_rows(const float* first, const float* second, int values, Word* to) {
  int c = 0;
  for (; c + kLanes <= values; c += kLanes) {
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(first + c)));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(second + c)));
    _mm512_storeu_si512(to + c, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
  if (c == values) return;
  const auto left = static_cast<__mmask16>((1U << static_cast<unsigned>(values - c)) - 1);
  const __m512 tail = _mm512_maskz_loadu_ps(left, first + c);
  const __m512 tail2 = _mm512_maskz_loadu_ps(left, second + c);
  const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(tail));
  const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(tail2));
  _mm512_mask_storeu_epi32(to + c, left, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

#endif

}  // namespace

bool has_instruction() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("avx512bf16") != 0;
  return found;
#else
  return false;
#endif
}

void pair_values(const float* from, std::ptrdiff_t stride, int rows, int values, Word* to, std::ptrdiff_t to_stride) {
  for (int r = 0; r < rows; ++r) {
    const float* row = from + r * stride;
    Word* words = to + r * to_stride;
#if defined(__x86_64__)
    if (has_instruction()) {
      pair_row(row, values, words);
      continue;
    }
#endif
    for (int i = 0; i < values; i += 2) words[i / 2] = pair(row[i], i + 1 < values ? row[i + 1] : 0);
  }
}

void pair_rows(const float* from, std::ptrdiff_t stride, int rows, int values, Word* to, std::ptrdiff_t to_stride) {
  for (int r = 0; r + 1 < rows; r += 2) {
    const float* row = from + r * stride;
    Word* words = to + r / 2 * to_stride;
#if defined(__x86_64__)
    if (has_instruction()) {
      pair_two_rows(row, row + stride, values, words);
      continue;
    }
#endif
    for (int c = 0; c < values; ++c) words[c] = pair(row[c], row[stride + c]);
  }
  if (rows % 2 == 0) return;
  const float* row = from + (rows - 1) * stride;
  for (int c = 0; c < values; ++c) to[rows / 2 * to_stride + c] = pair(row[c], 0);
}

void multiply(int rows, std::ptrdiff_t words, const MatrixA& a, const MatrixB& b, float* c, std::ptrdiff_t stride,
              bool add) {
#if defined(__x86_64__)
  if (has_instruction()) return multiply_in_vectors(rows, words, a, b, c, stride, add);
#endif
  multiply_anywhere(rows, words, a, b, c, stride, add);
}

}  // namespace n2s::bf16
