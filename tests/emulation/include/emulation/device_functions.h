// What kernels call: CUDA's built-in functions, on one CPU thread.
#pragma once

#include <algorithm>
#include <type_traits>

#include "emulation/block.h"
#include "emulation/call_site.h"
#include "emulation/device_arithmetic.h"
#include "emulation/vector_types.h"
#include "emulation/warp.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

// Barriers

inline void __syncthreads(n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  n2s::emulation::block_barrier(where);
}
inline int __syncthreads_count(int predicate, n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::block_barrier_count(predicate != 0, where);
}
inline int __syncthreads_or(int predicate, n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::block_barrier_count(predicate != 0, where) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int predicate, n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::block_barrier_count(predicate == 0, where) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  n2s::emulation::warp_barrier(mask, where);
}
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// Shuffles and votes

namespace n2s::emulation::detail {

inline unsigned lane_of(unsigned position, int width) {
  return position & static_cast<unsigned>(width - 1);
}

}  // namespace n2s::emulation::detail

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2);
  const unsigned lane = n2s::emulation::detail::place().lane;
  const unsigned first = lane & ~static_cast<unsigned>(width - 1);
  const unsigned from = first + n2s::emulation::detail::lane_of(static_cast<unsigned>(source), width);
  return n2s::emulation::warp_value(mask, value, from, "__shfl_sync", where);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2);
  const unsigned lane = n2s::emulation::detail::place().lane;
  const bool inside = n2s::emulation::detail::lane_of(lane, width) >= delta;
  return n2s::emulation::warp_value(mask, value, inside ? lane - delta : lane, "__shfl_up_sync", where);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2);
  const unsigned lane = n2s::emulation::detail::place().lane;
  const bool inside = n2s::emulation::detail::lane_of(lane, width) + delta < static_cast<unsigned>(width);
  return n2s::emulation::warp_value(mask, value, inside ? lane + delta : lane, "__shfl_down_sync", where);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2);
  const unsigned lane = n2s::emulation::detail::place().lane;
  const unsigned from = lane ^ static_cast<unsigned>(bits);
  const unsigned end = (lane & ~static_cast<unsigned>(width - 1)) + static_cast<unsigned>(width);
  return n2s::emulation::warp_value(mask, value, from < end ? from : lane, "__shfl_xor_sync", where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::warp_vote(mask, predicate != 0, "__ballot_sync", where);
}
inline int __any_sync(unsigned mask, int predicate,
                      n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::warp_vote(mask, predicate != 0, "__any_sync", where) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      n2s::emulation::CallSite where = n2s::emulation::CallSite::current()) {
  return n2s::emulation::warp_vote(mask, predicate == 0, "__all_sync", where) == 0 ? 1 : 0;
}

// Memory

template <typename T>
T __ldg(const T* from) {
  return *from;
}
template <typename T>
T __ldcg(const T* from) {
  return *from;
}
template <typename T>
T __ldcs(const T* from) {
  return *from;
}
template <typename T>
void __stcs(T* to, T value) {
  *to = value;
}
template <typename T>
void __stcg(T* to, T value) {
  *to = value;
}

// Threads run one at a time, so that reading and writing is atomic. In floating point the order of additions would
// show; this project has none.
template <typename T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  static_assert(sizeof(T) >= 4);
  const T old = *address;
  *address = value;
  return old;
}
template <typename T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>);
  using Unsigned = std::make_unsigned_t<T>;
  return atomicExch(address, static_cast<T>(static_cast<Unsigned>(*address) + static_cast<Unsigned>(value)));
}
template <typename T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return atomicExch(address, std::max(*address, value));
}
template <typename T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return atomicExch(address, std::min(*address, value));
}
template <typename T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, *address & value);
}
template <typename T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, *address | value);
}
template <typename T>
T atomicXor(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, *address ^ value);
}
template <typename T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return atomicExch(address, *address == expected ? value : *address);
}

// Others

[[noreturn]] inline void __trap() {
  n2s::emulation::fail_thread("__trap");
}

/// Only ever grows.
inline long long clock64() {
  static long long now = 0;
  return ++now;
}

// NOLINTEND(readability-identifier-naming)
