// Finds races in shared memory: two accesses to one byte by different threads, at least one of them a write, with no
// barrier between that orders them. Exact to the byte, and independent of the order in which the emulation runs
// the threads. Only __syncthreads and, within a warp, __syncwarp order accesses; shuffles and votes do not.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "emulation/call_site.h"
#include "emulation/vector_types.h"
#include "tests/memory_access/access.h"

namespace n2s::emulation {

class RaceCheck {
 public:
  RaceCheck();

  void begin_block(const void* kernel, unsigned threads);
  void end_block();
  void block_met(CallSite where);
  void lanes_met(unsigned first, std::uint32_t lanes, const char* what);
  void access(const Access& access);

  /// From here on, this thread's copy may write to these bytes,
  void copy_begins(const Access& access);
  /// until here, where they count as written.
  void copy_arrives(const Access& access);

  bool has_found() const { return !found_.empty(); }
  /// One line for each pair of places in a kernel.
  std::vector<std::string> races() const;

  /// A __syncthreads in a kernel, in the order in which they were first met.
  struct Barrier {
    const void* kernel;
    std::string file;
    unsigned line;
    long times = 0;   // that blocks have met there
    long needed = 0;  // times that there would have been a race without this barrier, but with all others
  };
  const std::vector<Barrier>& barriers() const { return barriers_; }

  /// Removes the barriers at this line: threads still meet there, but nothing is ordered. Line 0 restores all.
  void skip_barrier(const std::string& file, unsigned line);

  void forget();

 private:
  static constexpr std::uint16_t kNobody = 0xFFFF;

  /// The access history of a byte. Threads are those of the current block.
  struct Byte {
    std::uint32_t phase = 0;  // number of the barrier phase that this history is of
    std::uint32_t write_time = 0, read_time = 0;
    std::uint32_t read_lanes = 0;      // of the reader's warp, that have read it
    std::uint16_t writer = kNobody;    // the last
    std::uint16_t reader = kNobody;    // the last of the first warp that read it
    std::uint16_t stranger = kNobody;  // a reader of another warp
    bool several_read = false;
    const void* write_place = nullptr;
    const void* read_place = nullptr;
    const void* stranger_place = nullptr;

    // In the previous phase
    std::uint16_t old_writer = kNobody, old_reader = kNobody;
    bool old_several_read = false;

    std::uint16_t copying = kNobody;  // the thread whose copy to here is in flight
    std::uint32_t copy_block = 0;
    const void* copy_place = nullptr;
  };
  struct Other {
    unsigned thread;
    bool writes;
    const void* place;
  };
  struct Found {
    std::string block;
    unsigned first, second;
    std::uintptr_t address;
    bool copy;
    long times = 0;
  };
  using Pair = std::tuple<const void*, const void*, bool, const void*, bool>;  // kernel, place and kind of each

  /// Calls work(byte, address) for what is known of the access's bytes.
  template <typename Work>
  void for_each_byte(const Access& access, const Work& work);
  Byte& byte_at(std::uintptr_t address);
  bool ordered(unsigned before, std::uint32_t time, unsigned now) const;
  void check_write(const Byte& byte, const Access& now, std::uintptr_t address);
  void check_read(const Byte& byte, const Access& now, std::uintptr_t address);
  void note_write(Byte& byte, const Access& now);
  void note_read(Byte& byte, const Access& now);
  void check_copy(const Byte& byte, const Access& now, std::uintptr_t address);
  void check_need(const Byte& byte, const Access& now);
  void report(const Other& other, const Access& now, std::uintptr_t address, bool copy = false);
  void end_phase();
  std::size_t barrier_index(CallSite where);

  // Pairs of bytes that were always accessed together, as nearly all are, share the history of the first.
  std::vector<Byte> bytes_;
  std::vector<bool> apart_;  // for each two bytes
  const void* kernel_ = nullptr;
  std::uint32_t block_ = 0;
  std::uint32_t phase_ = 2;
  std::vector<std::array<std::uint32_t, 32>> known_;  // for each thread: its warp's time when it last met each lane
  std::array<std::uint32_t, 32> times_{};             // of each warp: how often lanes of it have met
  std::vector<Barrier> barriers_;
  std::size_t barrier_ = 0;  // that began this phase; none at the start of a block
  bool needed_ = false;
  std::string skipped_file_;
  unsigned skipped_line_ = 0;
  std::map<Pair, Found> found_;
};

}  // namespace n2s::emulation
