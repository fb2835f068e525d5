// Lets a test follow what a kernel does beside its memory accesses: where its blocks begin and end, and who meets whom.
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

  /// All threads of the block have come to this barrier and none has gone on.
  virtual void block_met(CallSite where) = 0;
  /// The same for these lanes of a warp, which begins with the block's thread number `first`; `what`: the CUDA
  /// function.
  virtual void lanes_met(unsigned first, std::uint32_t lanes, const char* what) = 0;

  /// The running thread's 16 bytes of those that its warp reads or writes together, as a matrix instruction does. The
  /// emulation moves elements one by one, each lane its own.
  virtual void matrix_piece(const void* begin, bool writes) = 0;

 protected:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
};

/// Who follows; null: nobody.
inline Observer* observer = nullptr;

}  // namespace n2s::emulation
