// Meetings of the lanes of a warp, at which they exchange values: the basis of shuffles, votes and matrix instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "emulation/call_site.h"
#include "emulation/observer.h"

namespace n2s::emulation {

inline constexpr std::uint32_t kFullWarp = 0xFFFFFFFFU;

/// Bytes that a lane can publish.
inline constexpr std::size_t kLargestValue = 128;

namespace detail {

/// The running thread's place in its warp, and where the lanes put their values for the next meeting of all of them.
struct Place {
  unsigned lane;
  std::byte* values;  // 32 * kLargestValue bytes
};
Place place();

/// Waits until all lanes of the warp have come here. A block whose size is no multiple of 32 has a last warp of fewer.
void warp_meet(const char* what, CallSite where);

/// The same for the lanes in `mask` only: copies the values of each (`bytes` from `mine`) to `all`, by lane.
void some_lanes_meet(std::uint32_t mask, const void* mine, void* all, std::size_t bytes, const char* what,
                     CallSite where);

}  // namespace detail

/// Lanes that the running thread's warp has, a bit each.
std::uint32_t lanes_of_warp();

/// Publishes `mine`, waits until every lane of the warp has done so, and returns the 32 values by lane, which stay
/// until the lane's next meeting of any kind. One switch of fibers a lane. Lanes must meet at the same line: when
/// others have ended or wait elsewhere, the kernel fails with a message that names `what`. Values of lanes that a short
/// last warp lacks mean nothing.
template <typename T>
const T* warp_gather(const T& mine, const char* what = "warp_gather", CallSite where = CallSite::current()) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kLargestValue && alignof(T) <= 64);
  const detail::Place place = detail::place();
  std::memcpy(place.values + sizeof(T) * place.lane, &mine, sizeof(T));
  detail::warp_meet(what, where);
  // Only ldmatrix publishes addresses: each is that of eight 16-bit elements that the warp reads together.
  if constexpr (std::is_same_v<T, const void*>)
    if (observer != nullptr) observer->matrix_access(mine, false);
  return reinterpret_cast<const T*>(place.values);
}

/// The value of lane `source` after all lanes in `mask` have published theirs; every lane in `mask` must name the same
/// mask. A source lane outside the mask gives bytes 0xFF, since the value is undefined on hardware.
template <typename T>
T warp_value(std::uint32_t mask, const T& mine, unsigned source, const char* what, CallSite where) {
  T result;
  std::memset(static_cast<void*>(&result), 0xFF, sizeof result);
  const std::uint32_t there = mask & lanes_of_warp();
  if (there == lanes_of_warp()) {
    const T* all = warp_gather(mine, what, where);
    if ((there >> source & 1U) != 0) result = all[source];
  } else {
    T all[32];
    detail::some_lanes_meet(mask, &mine, all, sizeof(T), what, where);
    if ((there >> source & 1U) != 0) result = all[source];
  }
  return result;
}

/// The lanes in `mask` for which the predicate holds.
std::uint32_t warp_vote(std::uint32_t mask, bool predicate, const char* what, CallSite where);

/// Waits for the lanes in `mask`.
void warp_barrier(std::uint32_t mask, CallSite where);

}  // namespace n2s::emulation
