// Counts what a warp's accesses cost: those of its lanes at one instruction, for the same time since the lanes last
// met, are one access. Shared memory has 32 banks of 4 bytes; device memory is moved in sectors of 32 bytes.
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

/// Of warps, at one line of a kernel or altogether.
struct AccessSums {
  long accesses = 0;
  long cost = 0;   // wavefronts of shared memory, or sectors of device memory
  long ideal = 0;  // the least that accesses of this width take, or that these bytes fill

  double ratio() const { return ideal > 0 ? static_cast<double>(cost) / static_cast<double>(ideal) : 1; }
};

struct AccessLine {
  std::string kernel;
  std::string place;
  bool shared = false;
  bool writes = false;
  std::uint32_t bytes = 0;  // of a lane
  AccessSums sums;
};

/// Of one block of a kernel; the most that any launch took.
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
  /// What the lanes of a warp do together.
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

    std::vector<Group> groups;  // of the warp that is being counted
    std::size_t used = 0;
    std::uint64_t flush = 0, lane = 0;  // to which these belong:
    std::size_t times = 0;              // that the lane has been here
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
