// CUDA's warp matrices on the CPU: 16x16 tiles whose elements are distributed over the lanes of a warp, as on hardware,
// so that a lane that stays away is missed. Which lane holds which element is left open by CUDA; here lane l holds
// columns 8 (l % 2) to 8 (l % 2) + 7 of row l / 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"
#include "emulation/call_site.h"
#include "emulation/observer.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

namespace nvcuda::wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};

enum layout_t { mem_row_major, mem_col_major };

/// Elements are __half or __nv_bfloat16 for factors, float for sums.
template <typename Use, int M, int N, int K, typename T, typename Layout = void>
struct fragment {
  static_assert(M == 16 && N == 16 && K == 16, "the emulation has the 16x16x16 shape only");
  static constexpr int num_elements = 8;
  static constexpr int num_storage_elements = num_elements;
  using element_type = T;
  using storage_element_type = T;

  T x[num_elements];
};

template <typename T, typename Layout>
using fragment_a = fragment<matrix_a, 16, 16, 16, T, Layout>;
template <typename T, typename Layout>
using fragment_b = fragment<matrix_b, 16, 16, 16, T, Layout>;
template <typename T>
using fragment_sum = fragment<accumulator, 16, 16, 16, T, void>;

namespace detail {

/// What CUDA demands of a tile's address and of the elements from one row (or column) to the next.
template <typename T>
void check_tile(const T* tile, unsigned pitch, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(tile) % 32 != 0)
    n2s::emulation::fail_thread(std::string(what) + ": the tile's address is no multiple of 32 bytes");
  if (pitch * sizeof(T) % 16 != 0)
    n2s::emulation::fail_thread(std::string(what) + ": the pitch of " + std::to_string(pitch) +
                                " elements is no multiple of 16 bytes");
}

/// Where element i of this lane lies.
inline std::size_t offset(int i, std::size_t pitch, bool by_rows) {
  const unsigned lane = n2s::emulation::detail::place().lane;
  const std::size_t row = lane / 2;
  const std::size_t column = lane % 2 * 8 + static_cast<unsigned>(i);
  return by_rows ? row * pitch + column : column * pitch + row;
}

/// Reports this lane's accesses to the observer. CUDA leaves open which lane moves what; the best case is reported:
/// vectors of 16 bytes, lanes side by side along the lines of the tile.
template <typename T>
void report_vectors(const T* tile, unsigned pitch, bool writes) {
  if (n2s::emulation::observer == nullptr) return;
  constexpr unsigned kLength = 16 / sizeof(T);  // elements
  constexpr unsigned kAcross = 16 / kLength;    // vectors per line
  for (unsigned vector = n2s::emulation::detail::place().lane; vector < 16 * kAcross; vector += 32)
    n2s::emulation::observer->matrix_access(tile + std::size_t{vector / kAcross} * pitch + vector % kAcross * kLength,
                                            writes);
}

template <typename Fragment, typename T>
void load(Fragment& fragment, const T* tile, unsigned pitch, bool by_rows) {
  check_tile(tile, pitch, "load_matrix_sync");
  report_vectors(tile, pitch, false);
  const T* first = tile + offset(0, pitch, by_rows);
  const std::size_t step = by_rows ? 1 : pitch;
  for (int i = 0; i < Fragment::num_elements; ++i) fragment.x[i] = first[static_cast<std::size_t>(i) * step];
}

using Four = float __attribute__((vector_size(16)));

/// A lane's part of both factors.
struct Factors {
  float a[8];
  Four b[2];
};

/// A lane's sums plus its part of the product. Most of the time goes here when nets run, and it touches what this file
/// has laid out alone: so four at a time, and without the sanitizers.
__attribute__((no_sanitize("address", "undefined"))) inline void multiply_add(Four (&sums)[2], const Factors* lanes,
                                                                              unsigned lane) {
  Four low = sums[0], high = sums[1];
  for (unsigned k = 0; k < 16; ++k) {
    const float factor = lanes[lane / 2 * 2 + k / 8].a[k % 8];
    const Factors& row = lanes[2 * k + lane % 2];
    low += factor * row.b[0];
    high += factor * row.b[1];
  }
  sums[0] = low;
  sums[1] = high;
}

}  // namespace detail

template <typename Fragment>
void fill_fragment(Fragment& fragment, const typename Fragment::element_type& value) {
  for (auto& x : fragment.x) x = value;
}

template <typename Use, typename T, typename Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& fragment, const T* tile, unsigned pitch) {
  detail::load(fragment, tile, pitch, std::is_same_v<Layout, row_major>);
}

template <typename T>
void load_matrix_sync(fragment_sum<T>& fragment, const T* tile, unsigned pitch, layout_t layout) {
  detail::load(fragment, tile, pitch, layout == mem_row_major);
}

template <typename T>
void store_matrix_sync(T* tile, const fragment_sum<T>& fragment, unsigned pitch, layout_t layout) {
  detail::check_tile(tile, pitch, "store_matrix_sync");
  detail::report_vectors(tile, pitch, true);
  for (int i = 0; i < fragment.num_elements; ++i)
    tile[detail::offset(i, pitch, layout == mem_row_major)] = fragment.x[i];
}

/// d = a b + c. Products are exact, sums in float one after another; the tensor cores' own order is not known.
template <typename T, typename LayoutA, typename LayoutB>
void mma_sync(fragment_sum<float>& d, const fragment_a<T, LayoutA>& a, const fragment_b<T, LayoutB>& b,
              const fragment_sum<float>& c, n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  detail::Factors mine;
  for (int i = 0; i < 8; ++i) {
    mine.a[i] = static_cast<float>(a.x[i]);
    mine.b[i / 4][i % 4] = static_cast<float>(b.x[i]);
  }
  const detail::Factors* lanes = n2s::emulation::warp_gather(mine, "mma_sync", where);
  detail::Four sums[2];
  std::memcpy(sums, c.x, sizeof sums);
  detail::multiply_add(sums, lanes, n2s::emulation::detail::place().lane);
  std::memcpy(d.x, sums, sizeof sums);
}

}  // namespace nvcuda::wmma

// NOLINTEND(readability-identifier-naming)
