// One memory access of a thread.
#pragma once

#include <cstdint>

namespace n2s::emulation {

struct Access {
  unsigned thread = 0;         // number in its block
  std::uintptr_t address = 0;  // in shared memory: from its beginning
  std::uint32_t bytes = 0;
  bool writes = false;
  bool matrix = false;          // a 16-byte vector of a matrix tile, whose elements are reported as well
  const void* place = nullptr;  // return address of the hook: identifies the instruction
};

}  // namespace n2s::emulation
