// Volta's matrix instruction in emulation against simple loops, with fragments filled by the PTX manual's formulas
// ("Matrix fragments for mma.m8n8k4 with .f16 floating point type") as they stand there.
#include "kernels/device/quad_pair_matrix.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "tests/emulation/launch_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

constexpr std::size_t kQuadPairs = 4;

std::uint32_t pair_of(float low, float high) {
  const auto bits = [](float value) { return std::uint32_t{__half_as_ushort(__float2half(value))}; };
  return bits(low) | bits(high) << 16;
}

/// For each quad pair: c (8x8) = a (8x4) * b (4x8) + c; row after row.
template <device::LeftFactor Left>
__global__ void multiply(const float* a, const float* b, float* c) {
  const int laneid = static_cast<int>(threadIdx.x);
  const std::size_t quad_pair = threadIdx.x % 16 / 4;  // threads 0-3 and 16-19, 4-7 and 20-23, …
  a += quad_pair * 32;
  b += quad_pair * 32;
  c += quad_pair * 64;
  float left[4], right[4];
  for (int i = 0; i < 4; ++i) {
    const bool by_rows = Left == device::LeftFactor::by_rows;
    const int row = by_rows ? (laneid < 16 ? laneid % 4 : laneid % 4 + 4) : (laneid < 16 ? i % 4 : i % 4 + 4);
    const int column = by_rows ? i : laneid % 4;
    left[i] = a[row * 4 + column];
    right[i] = b[laneid % 4 * 8 + (laneid < 16 ? i : i + 4)];
  }
  const auto place = [&](int i) {
    const int x = (laneid & 0b1) + (i & 0b10);
    const int row = laneid < 16 ? x : x + 4;
    const int column = (i & 0b100) + (laneid & 0b10) + (i & 0b1);
    return row * 8 + column;
  };
  float sums[8];
  for (int i = 0; i < 8; ++i) sums[i] = c[place(i)];
  const std::uint32_t left_words[2] = {pair_of(left[0], left[1]), pair_of(left[2], left[3])};
  const std::uint32_t right_words[2] = {pair_of(right[0], right[1]), pair_of(right[2], right[3])};
  device::multiply_8_8_4<Left>(sums, left_words, right_words);
  for (int i = 0; i < 8; ++i) c[place(i)] = sums[i];
}

/// Small whole numbers: all sums are exact.
std::vector<float> some_values(std::size_t count, unsigned seed) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values.push_back(static_cast<float>(static_cast<int>(seed >> 28) - 8));
  }
  return values;
}

}  // namespace

TEST_CASE("each quad pair multiplies its own matrices") {
  const std::vector<float> a = some_values(kQuadPairs * 32, 1), b = some_values(kQuadPairs * 32, 2);
  const std::vector<float> before = some_values(kQuadPairs * 64, 3);
  for (auto* kernel : {multiply<device::LeftFactor::by_rows>, multiply<device::LeftFactor::by_columns>}) {
    const Buffer<float> in_a(a), in_b(b), out(before);
    REQUIRE(launch(kernel, 1, 32, 0, in_a.data, in_b.data, out.data) == cudaSuccess);
    const std::vector<float> c = out.values();
    for (std::size_t place = 0; place < c.size(); ++place) {
      const std::size_t quad_pair = place / 64, row = place % 64 / 8, column = place % 8;
      float sum = before[place];
      for (std::size_t k = 0; k < 4; ++k) sum += a[quad_pair * 32 + row * 4 + k] * b[quad_pair * 32 + k * 8 + column];
      REQUIRE(c[place] == sum);
    }
  }
}
