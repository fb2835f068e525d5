// The emulation's wmma against simple loops.
#include <cuda_runtime.h>
#include <doctest/doctest.h>
#include <mma.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/emulation/launch_helpers.h"

using namespace n2s;
using namespace n2s::test;
namespace wmma = nvcuda::wmma;

namespace {

constexpr unsigned kPitch = 24;
constexpr std::size_t kTile = std::size_t{16} * kPitch;

template <typename T, typename LayoutA, typename LayoutB>
__global__ void multiply(const T* a, const T* b, float* c, int steps, wmma::layout_t layout) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, T, LayoutA> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, T, LayoutB> right;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.0F);
  for (int step = 0; step < steps; ++step) {
    wmma::load_matrix_sync(left, a + static_cast<std::size_t>(step) * kTile, kPitch);
    wmma::load_matrix_sync(right, b + static_cast<std::size_t>(step) * kTile, kPitch);
    wmma::mma_sync(sum, left, right, sum);
  }
  for (int i = 0; i < sum.num_elements; ++i) sum.x[i] *= 2;
  wmma::store_matrix_sync(c, sum, kPitch, layout);
}

__global__ void load_from(const __half* from, unsigned pitch) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> tile;
  wmma::load_matrix_sync(tile, from, pitch);
}

__global__ void store_to(float* to, unsigned pitch) {
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> tile;
  wmma::fill_fragment(tile, 1.0F);
  wmma::store_matrix_sync(to, tile, pitch, wmma::mem_row_major);
}

__global__ void half_a_warp_multiplies() {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  wmma::fill_fragment(a, __half(0.0F));
  wmma::fill_fragment(b, __half(0.0F));
  wmma::fill_fragment(c, 0.0F);
  if (threadIdx.x < 16) wmma::mma_sync(c, a, b, c);
}

/// Small whole numbers: all sums are exact.
template <typename T>
std::vector<T> some_tiles(int count, unsigned seed) {
  std::vector<T> values;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count) * kTile; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values.push_back(T(static_cast<float>(static_cast<int>(seed >> 28) - 8)));
  }
  return values;
}

std::size_t place(int row, int column, bool by_rows) {
  return static_cast<std::size_t>(by_rows ? row : column) * kPitch + static_cast<std::size_t>(by_rows ? column : row);
}

template <typename T, typename LayoutA, typename LayoutB>
void check_product(wmma::layout_t layout) {
  constexpr int kSteps = 3;
  const auto a = some_tiles<T>(kSteps, 1), b = some_tiles<T>(kSteps, 2);
  const Buffer<T> in_a(a), in_b(b);
  const Buffer<float> out(kTile);
  REQUIRE(launch(multiply<T, LayoutA, LayoutB>, 1, 32, 0, in_a.data, in_b.data, out.data, kSteps, layout) ==
          cudaSuccess);
  const std::vector<float> c = out.values();
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 16; ++column) {
      float sum = 0;
      for (std::size_t step = 0; step < kSteps; ++step)
        for (int k = 0; k < 16; ++k)
          sum += static_cast<float>(a[step * kTile + place(row, k, std::is_same_v<LayoutA, wmma::row_major>)]) *
                 static_cast<float>(b[step * kTile + place(k, column, std::is_same_v<LayoutB, wmma::row_major>)]);
      REQUIRE(c[place(row, column, layout == wmma::mem_row_major)] == 2 * sum);
    }
}

}  // namespace

TEST_CASE("products of tiles in all layouts") {
  using wmma::col_major;
  using wmma::row_major;
  for (const wmma::layout_t layout : {wmma::mem_row_major, wmma::mem_col_major}) {
    check_product<__half, row_major, row_major>(layout);
    check_product<__half, row_major, col_major>(layout);
    check_product<__half, col_major, row_major>(layout);
    check_product<__half, col_major, col_major>(layout);
    check_product<__nv_bfloat16, row_major, row_major>(layout);
  }
}

TEST_CASE("tiles whose address or pitch hardware would refuse") {
  const Buffer<__half> in(1024);
  const Buffer<float> out(1024);
  CHECK(failure_of(load_from, 32, in.data, 16U).empty());
  CHECK(contains(failure_of(load_from, 32, in.data + 8, 16U), "load_matrix_sync: the tile's address"));
  CHECK(contains(failure_of(load_from, 32, in.data, 20U), "load_matrix_sync: the pitch of 20 elements"));
  CHECK(failure_of(store_to, 32, out.data, 20U).empty());
  CHECK(contains(failure_of(store_to, 32, out.data + 4, 16U), "store_matrix_sync: the tile's address"));
  CHECK(contains(failure_of(store_to, 32, out.data, 18U), "store_matrix_sync: the pitch of 18 elements"));
}

TEST_CASE("a product needs the whole warp") {
  CHECK(contains(failure_of(half_a_warp_multiplies, 32), "16 of 32 threads wait in mma_sync"));
}
