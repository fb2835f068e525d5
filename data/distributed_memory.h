// Memory of several processes, each of which holds a part that all may read.
#pragma once

#include <cstddef>
#include <span>

namespace n2s {

class DistributedMemory {
 public:
  virtual ~DistributedMemory() = default;
  virtual int rank() const = 0;  // of this process, 0 ... count() - 1
  virtual int count() const = 0;
  /// The part of this process, to write to.
  virtual std::span<std::byte> own() = 0;
  /// All processes have written what they will. Each must call it, before any reads.
  virtual void complete() = 0;
  /// From the part of `rank`, which holds that many. Calls may run at the same time. Throws Error where it is lost.
  virtual void read(int rank, std::size_t offset, std::span<std::byte> bytes) const = 0;
};

}  // namespace n2s
