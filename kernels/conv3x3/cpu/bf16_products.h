// Small matrix products of bfloat16 values with fp32 sums: those of Winograd's variant where --precision bf16 asks for
// it. Two neighbouring values along the depth of a product are kept in one 32-bit word, as the instruction VDPBF16PS of
// AVX-512 BF16 reads them (Intel's manual, 5.1): it multiplies both pairs and adds both products.
#pragma once

#include <cstddef>
#include <cstdint>

namespace n2s::bf16 {

/// Two values; the first one is the lower half.
using Word = std::uint32_t;

/// Whether this CPU has the instruction. Elsewhere the products are right, and slow.
bool has_instruction();

/// to[r * to_stride + i] = values 2 i and 2 i + 1 of row r, rounded to the nearest, ties to even. Rows are `values`
/// long and `stride` floats apart; an odd last value is paired with 0.
void pair_values(const float* from, std::ptrdiff_t stride, int rows, int values, Word* to, std::ptrdiff_t to_stride);

/// to[i * to_stride + c] = value c of the rows 2 i and 2 i + 1; an odd last row is paired with zeros.
void pair_rows(const float* from, std::ptrdiff_t stride, int rows, int values, Word* to, std::ptrdiff_t to_stride);

/// Word i of row r is at data[r * row + i * step].
struct MatrixA {
  const Word* data;
  std::ptrdiff_t row, step;
};
/// Word i of column c is at data[i * stride + c]; `columns` is a multiple of 16.
struct MatrixB {
  const Word* data;
  std::ptrdiff_t columns, stride;
};

/// C (rows, B's columns), `stride` floats between rows: A times B, over 2 * words of depth, added to what is there or
/// overwriting it. The order of summation does not depend on how rows are cut.
void multiply(int rows, std::ptrdiff_t words, const MatrixA& a, const MatrixB& b, float* c, std::ptrdiff_t stride,
              bool add);

}  // namespace n2s::bf16
