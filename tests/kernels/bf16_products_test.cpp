// Products of bfloat16 values: rounding by definition, sums of small integers exactly, in every block shape.
#include "kernels/conv3x3/cpu/bf16_products.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

using bf16::Word;

float first_of(Word word) {
  return std::bit_cast<float>(word << 16U);
}
float second_of(Word word) {
  return std::bit_cast<float>(word & 0xFFFF0000U);
}

/// Of the two bfloat16 values around x the nearer one; of two as near the one whose last bit is 0.
float nearest(float x) {
  const auto below = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xFFFF0000U);
  const auto above = std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) & 0xFFFF0000U) + 0x10000U);
  const double down = std::abs(double{x} - double{below});
  const double up = std::abs(double{above} - double{x});
  if (down != up) return down < up ? below : above;
  return (std::bit_cast<std::uint32_t>(below) & 0x10000U) == 0 ? below : above;
}

TEST_CASE("values are rounded to the nearest, ties to even") {
  std::vector<float> values = random_values(64, 1);
  values.insert(values.end(), {1.00390625F, 1.01171875F, -1.00390625F, 1e30F, -3.7e-20F, 0, 3, -0.1F});
  std::vector<Word> words(values.size() / 2);
  bf16::pair_values(values.data(), 0, 1, static_cast<int>(values.size()), words.data(), 0);
  for (std::size_t i = 0; i < values.size(); i += 2) {
    CHECK(first_of(words[i / 2]) == nearest(values[i]));
    CHECK(second_of(words[i / 2]) == nearest(values[i + 1]));
  }
  const std::vector<float> rows = random_values(std::size_t{3} * 40, 2);
  std::vector<Word> pairs(80);
  bf16::pair_rows(rows.data(), 40, 3, 40, pairs.data(), 40);
  for (std::size_t c = 0; c < 40; ++c) {
    CHECK(first_of(pairs[c]) == nearest(rows[c]));
    CHECK(second_of(pairs[c]) == nearest(rows[40 + c]));
    CHECK(first_of(pairs[40 + c]) == nearest(rows[80 + c]));
    CHECK(second_of(pairs[40 + c]) == 0);
  }
  const std::vector<float> odd{1, 2, std::numeric_limits<float>::quiet_NaN()};
  bf16::pair_values(odd.data(), 0, 1, 3, words.data(), 0);
  CHECK(std::isnan(first_of(words[1])));
  CHECK(second_of(words[1]) == 0);
}

TEST_CASE("sums of products of small integers are exact") {
  for (const int rows : {1, 3, 4, 6, 7, 13, 25})
    for (const int columns : {16, 32, 48, 64, 80, 96})
      for (const int depth : {1, 2, 5, 32, 37}) {
        const auto integer = [](int i, int j) { return static_cast<float>((i * 7 + j * 3) % 11 - 5); };
        std::vector<float> a, b;
        for (int r = 0; r < rows; ++r)
          for (int k = 0; k < depth; ++k) a.push_back(integer(r, k));
        for (int k = 0; k < depth; ++k)
          for (int c = 0; c < columns; ++c) b.push_back(integer(c, k + 1));
        const int words = (depth + 1) / 2;
        const auto size = [](int height, int width) {
          return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
        };
        std::vector<Word> pa(size(rows, words)), pb(size(words, columns));
        bf16::pair_values(a.data(), depth, rows, depth, pa.data(), words);
        bf16::pair_rows(b.data(), columns, depth, columns, pb.data(), columns);
        std::vector<float> c(size(rows, columns), 2.0F);
        for (const bool add : {false, true})
          bf16::multiply(rows, words, {pa.data(), words, 1}, {pb.data(), columns, columns}, c.data(), columns, add);
        bool is_exact = true;
        for (int r = 0; r < rows; ++r)
          for (int column = 0; column < columns; ++column) {
            float sum = 0;
            for (int k = 0; k < depth; ++k) sum += integer(r, k) * integer(column, k + 1);
            is_exact = is_exact && c[size(r, columns) + static_cast<std::size_t>(column)] == 2 * sum;
          }
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(depth);
        CHECK(is_exact);
      }
}

}  // namespace
}  // namespace n2s::test
