// Runs the blocks of a kernel, one after another. Each thread of a block is a fiber that runs until it waits at a
// barrier or for its warp. Also what a kernel uses: its indices, shared memory and barriers.
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

/// The largest dynamic shared memory of a block on any device, in bytes.
inline constexpr std::size_t kLargestSharedMemory = std::size_t{227} << 10;

/// A kernel's failure: the message says where, and in which threads.
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

/// Runs all blocks. Throws KernelFailure when a thread throws, or when threads of a block wait for others that never
/// come. One run at a time per program.
void run_kernel(const KernelRun& run);

/// The order in which runnable warps and lanes are chosen. A kernel with a missing barrier is seldom right in both
/// orders.
enum class Order { ascending, descending };
void set_order(Order order);

/// The block's dynamic shared memory, aligned to 1024 bytes. At the start of each block it is full of 0xFF, which is
/// NaN in every floating-point format. AddressSanitizer reports accesses beyond what the launch asked for.
std::byte* shared_memory();

/// Waits until all threads of the block have arrived from the same line.
void block_barrier(CallSite where);

/// The same, and counts for how many threads `predicate` holds.
int block_barrier_count(bool predicate, CallSite where);

/// Ends the kernel with this message and the thread's indices.
[[noreturn]] void fail_thread(const std::string& message);

}  // namespace n2s::emulation
