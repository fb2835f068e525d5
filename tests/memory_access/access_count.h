// Counts the cost of warps' memory accesses. The lanes' accesses at one instruction, at the same repetition since the
// lanes last met, are one access of the warp. Shared memory has 32 banks of 4 bytes; device memory is moved in 32-byte
// sectors.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulation/block.h"
#include "tests/memory_access/access.h"

namespace n2s::emulation {

/// Sums over warps, for one source line or a whole kernel.
struct AccessSums {
  long accesses = 0;
  long cost = 0;   // wavefronts of shared memory, or sectors of device memory
  long ideal = 0;  // the least that accesses of this width can take, or the sectors that these bytes fill

  double ratio() const { return ideal > 0 ? static_cast<double>(cost) / static_cast<double>(ideal) : 1; }
};

struct AccessLine {
  std::string kernel;
  std::string place;
  bool shared = false;
  bool writes = false;
  std::uint32_t bytes = 0;  // per lane
  AccessSums sums;
};

/// Block size of a kernel: the maximum over its launches.
struct BlockSize {
  unsigned threads = 0;
  std::size_t shared_bytes = 0;  // asked for at the launch
};

class AccessCount {
 public:
  void begin_block(const KernelRun& run, unsigned threads);
  void end_block();
  void block_met();
  void lanes_met(unsigned first, std::uint32_t lanes);
  void shared_access(const Access& access) { note(access, true); }
  void device_access(const Access& access) { note(access, false); }

  /// By kernel and place.
  std::vector<AccessLine> lines() const;
  /// By kernel.
  std::map<std::string, BlockSize> block_sizes() const;

 private:
  struct Entry {
    std::uint32_t place;  // in places_
    std::uintptr_t address;
  };
  /// One access of a warp.
  struct Group {
    std::uint32_t lanes = 0;
    std::array<std::uintptr_t, 32> addresses{};
  };
  struct Place {
    const void* kernel = nullptr;
    const void* address = nullptr;
    bool shared = false, writes = false, matrix = false;
    std::uint32_t bytes = 0;
    AccessSums sums;

    std::vector<Group> groups;  // of the current warp
    std::size_t used = 0;
    std::uint64_t flush = 0, lane = 0;  // that these belong to:
    std::size_t times = 0;              // repetition of the current lane
  };

  void note(const Access& access, bool shared);
  void add(const Access& access, bool shared);
  void count_warp(unsigned first);
  static void count(Place& place, const Group& group);

  std::map<const void*, BlockSize> block_sizes_;
  const void* kernel_ = nullptr;
  unsigned threads_ = 0;
  std::vector<std::vector<Entry>> entries_;  // of each thread since its warp last met
  std::vector<Place> places_;
  std::unordered_map<std::uintptr_t, std::uint32_t> indices_;  // of places, for this kernel
  std::map<const void*, std::unordered_map<std::uintptr_t, std::uint32_t>> other_indices_;
  std::uint64_t flush_ = 0, lane_ = 0;
};

}  // namespace n2s::emulation
