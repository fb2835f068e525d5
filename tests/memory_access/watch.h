// Follows kernels that were compiled to be watched, and passes their memory accesses on: those to shared memory to the
// race check, those to shared and device memory to the count. Either may be left out.
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
  void matrix_piece(const void* begin, bool writes) override;

  /// Whether anyone cares for this place: most accesses are to threads' own variables.
  bool follows(const void* begin) const {
    return count_ != nullptr || reinterpret_cast<std::uintptr_t>(begin) - shared_ < shared_bytes_;
  }
  void access(const void* begin, std::size_t bytes, bool writes, const void* place);
  void copy_begins(const void* to, const void* place);
  void copies_committed();
  void copies_awaited(unsigned pending);

  /// Kernels wait for their asynchronous copies in vain: to prove that this is found.
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
    std::vector<Copy> under_way;
    unsigned group = 0;  // that the next copy belongs to
  };

  bool in_device_memory(std::uintptr_t address);
  void find_device_memory();

  RaceCheck* races_;
  AccessCount* count_;
  std::uintptr_t shared_ = 0;
  std::size_t shared_bytes_ = 0;
  std::vector<Range> device_memory_;  // sorted
  std::size_t last_range_ = 0;
  std::vector<Copies> copies_;  // of each thread
  bool ignores_waiting_ = false;
};

/// Who watches the block that runs; null between blocks.
inline Watch* watching = nullptr;

inline void tell_access(const void* begin, std::size_t bytes, bool writes, const void* place) {
  if (watching != nullptr && watching->follows(begin)) watching->access(begin, bytes, writes, place);
}

}  // namespace n2s::emulation
