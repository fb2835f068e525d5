// Lets a test observe a kernel: where blocks begin and end, which threads meet, and the accesses of matrix
// instructions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "emulation/block.h"
#include "emulation/call_site.h"

namespace n2s::emulation {

class Observer {
 public:
  virtual ~Observer() = default;

  /// No thread has begun yet; blockIdx is set.
  virtual void begin_block(const KernelRun& run) = 0;
  /// Also after a failure.
  virtual void end_block() = 0;

  /// All threads of the block have arrived at this barrier, and none has continued.
  virtual void block_met(CallSite where) = 0;
  /// The same for these lanes of a warp, which begins with the block's thread number `first`; `what`: the CUDA
  /// function.
  virtual void lanes_met(unsigned first, std::uint32_t lanes, const char* what) = 0;

  /// The running thread's 16 bytes of a matrix instruction's access. The emulation itself moves the elements one by
  /// one.
  virtual void matrix_access(const void* begin, bool writes) = 0;

 protected:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
};

/// The current observer, or null.
inline Observer* observer = nullptr;

}  // namespace n2s::emulation
