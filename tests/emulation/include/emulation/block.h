// Runs a kernel's blocks, one after another, each thread of a block a fiber that goes on until it meets a barrier or
// its warp, or ends. Also what a kernel sees of it: its indices, shared memory and barriers.
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

#include "emulation/call_site.h"
#include "emulation/vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's
inline uint3 threadIdx;
inline uint3 blockIdx;
inline dim3 blockDim;
inline dim3 gridDim;
inline constexpr int warpSize = 32;
// NOLINTEND(readability-identifier-naming)

namespace n2s::emulation {

/// The most dynamic shared memory that any device gives a block, in bytes.
inline constexpr std::size_t kLargestSharedMemory = std::size_t{227} << 10;

/// What went wrong in a kernel: where, and with which threads.
class KernelFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct KernelRun {
  const void* kernel = nullptr;  // only for its name in messages
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  const std::function<void()>* thread = nullptr;  // what each thread does
};

/// Runs all blocks. Throws KernelFailure when a thread throws, or when the threads of a block can never go on: some
/// wait at a barrier that others do not reach. One run at a time in a program.
void run_kernel(const KernelRun& run);

/// In which order a block's threads run where barriers leave it open. What is right in both orders seldom lacks a
/// barrier.
enum class Order { ascending, descending };
void set_order(Order order);

/// The block's dynamic shared memory, aligned to 1024 bytes. At the start of each block it is full of 0xFF, which is
/// NaN in every floating-point format. With AddressSanitizer, nothing beyond what the launch asked for may be touched.
std::byte* shared_memory();

/// Waits until all threads of the block have arrived from the same line.
void block_barrier(CallSite where);

/// The same, and counts for how many threads `predicate` holds.
int block_barrier_count(bool predicate, CallSite where);

/// Ends the kernel with this message and the thread's indices.
[[noreturn]] void fail_thread(const std::string& message);

}  // namespace n2s::emulation
