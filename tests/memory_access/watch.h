// Receives the memory accesses of instrumented kernels and passes them on: those to shared memory to the race check,
// those to shared and device memory to the access count. Either may be null.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulation/observer.h"
#include "tests/memory_access/access.h"

namespace n2s::emulation {

class AccessCount;
class RaceCheck;

class Watch final : public Observer {
 public:
  Watch(RaceCheck* races, AccessCount* count);
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void begin_block(const KernelRun& run) override;
  void end_block() override;
  void block_met(CallSite where) override;
  void lanes_met(unsigned first, std::uint32_t lanes, const char* what) override;
  void matrix_access(const void* begin, bool writes) override;

  /// Whether this address is of interest: most accesses are to local variables of threads.
  bool follows(const void* begin) const {
    return count_ != nullptr || reinterpret_cast<std::uintptr_t>(begin) - shared_ < shared_bytes_;
  }
  void access(const void* begin, std::size_t bytes, bool writes, const void* place);
  void copy_begins(const void* to, const void* place);
  void copies_committed();
  void copies_awaited(unsigned pending);

  /// Ignores the kernels' waits for asynchronous copies, to prove that a missing wait is found.
  void ignore_waiting(bool ignore) { ignores_waiting_ = ignore; }

 private:
  struct Range {
    std::uintptr_t begin, end;
  };
  struct Copy {
    std::uintptr_t to;
    const void* place;
    unsigned group;
  };
  struct Copies {
    std::vector<Copy> in_flight;
    unsigned group = 0;  // of the next copy
  };

  bool in_device_memory(std::uintptr_t address);
  void find_device_memory();

  RaceCheck* races_;
  AccessCount* count_;
  std::uintptr_t shared_ = 0;
  std::size_t shared_bytes_ = 0;
  std::vector<Range> device_memory_;  // sorted
  std::size_t last_range_ = 0;
  std::vector<Copies> copies_;  // per thread
  bool ignores_waiting_ = false;
};

/// The watch of the running block; null between blocks.
inline Watch* watching = nullptr;

inline void report_access(const void* begin, std::size_t bytes, bool writes, const void* place) {
  if (watching != nullptr && watching->follows(begin)) watching->access(begin, bytes, writes, place);
}

}  // namespace n2s::emulation
