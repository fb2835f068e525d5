// Race detection by barrier phases and, within a warp, by the times at which lanes met in __syncwarp.
#include "tests/memory_access/race_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <string_view>

#include "emulation/block.h"
#include "tests/memory_access/short_name.h"
#include "tests/memory_access/source_place.h"

namespace n2s::emulation {
namespace {

constexpr std::size_t kNoBarrier = static_cast<std::size_t>(-1);

unsigned warp_of(unsigned thread) {
  return thread / 32;
}

std::string file_name(const char* path) {
  const std::string_view text = path;
  return std::string(text.substr(text.rfind('/') + 1));
}

}  // namespace

RaceCheck::RaceCheck() : bytes_(kLargestSharedMemory + 16), apart_(bytes_.size() / 2), barrier_(kNoBarrier) {}

void RaceCheck::begin_block(const void* kernel, unsigned threads) {
  kernel_ = kernel;
  known_.assign(threads, {});
  times_.fill(1);
  ++block_;
  phase_ += 2;  // no phase of the last block is the previous one
  barrier_ = kNoBarrier;
  needed_ = false;
}

void RaceCheck::end_block() {
  end_phase();
  barrier_ = kNoBarrier;
}

void RaceCheck::block_met(CallSite where) {
  if (where.line == skipped_line_ && file_name(where.file) == skipped_file_) return;
  end_phase();
  barrier_ = barrier_index(where);
  ++phase_;
}

void RaceCheck::end_phase() {
  if (barrier_ != kNoBarrier) {
    ++barriers_[barrier_].times;
    if (needed_) ++barriers_[barrier_].needed;
  }
  needed_ = false;
}

std::size_t RaceCheck::barrier_index(CallSite where) {
  const std::string file = file_name(where.file);
  const auto found = std::find_if(barriers_.begin(), barriers_.end(), [&](const Barrier& b) {
    return b.kernel == kernel_ && b.line == where.line && b.file == file;
  });
  if (found != barriers_.end()) return static_cast<std::size_t>(found - barriers_.begin());
  barriers_.push_back({kernel_, file, where.line});
  return barriers_.size() - 1;
}

void RaceCheck::lanes_met(unsigned first, std::uint32_t lanes, const char* what) {
  if (std::string_view(what) != "__syncwarp") return;
  const std::uint32_t time = ++times_[warp_of(first)];
  std::array<std::uint32_t, 32> all{};
  for (std::uint32_t left = lanes; left != 0; left &= left - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(left));
    for (std::size_t i = 0; i < 32; ++i) all[i] = std::max(all[i], known_[first + lane][i]);
  }
  for (std::uint32_t left = lanes; left != 0; left &= left - 1)
    all[static_cast<std::size_t>(std::countr_zero(left))] = time;
  for (std::uint32_t left = lanes; left != 0; left &= left - 1)
    known_[first + static_cast<std::size_t>(std::countr_zero(left))] = all;
}

template <typename Work>
void RaceCheck::for_each_byte(const Access& access, const Work& work) {
  const std::uintptr_t end = std::min<std::uintptr_t>(access.address + access.bytes, bytes_.size());
  for (std::uintptr_t two = access.address / 2; 2 * two < end; ++two) {
    const bool first = 2 * two >= access.address;
    const bool second = 2 * two + 1 < end;
    if (!(first && second) && !apart_[two]) {
      apart_[two] = true;
      bytes_[2 * two + 1] = bytes_[2 * two];
    }
    if (first) work(byte_at(2 * two), 2 * two);
    if (second && apart_[two]) work(byte_at(2 * two + 1), 2 * two + 1);
  }
}

void RaceCheck::access(const Access& now) {
  for_each_byte(now, [&](Byte& byte, std::uintptr_t address) {
    check_need(byte, now);
    check_copy(byte, now, address);
    if (now.writes) {
      check_write(byte, now, address);
      note_write(byte, now);
    } else {
      check_read(byte, now, address);
      note_read(byte, now);
    }
  });
}

void RaceCheck::copy_begins(const Access& copy) {
  for_each_byte(copy, [&](Byte& byte, std::uintptr_t) {
    byte.copying = static_cast<std::uint16_t>(copy.thread);
    byte.copy_block = block_;
    byte.copy_place = copy.place;
  });
}

void RaceCheck::copy_arrives(const Access& copy) {
  for_each_byte(copy, [&](Byte& byte, std::uintptr_t) {
    if (byte.copying == copy.thread) byte.copying = kNobody;
    note_write(byte, copy);
  });
}

RaceCheck::Byte& RaceCheck::byte_at(std::uintptr_t address) {
  Byte& byte = bytes_[address];
  if (byte.phase == phase_) return byte;
  const bool just_before = byte.phase + 1 == phase_;
  byte.old_writer = just_before ? byte.writer : kNobody;
  byte.old_reader = just_before ? byte.reader : kNobody;
  byte.old_several_read = just_before && byte.several_read;
  byte.phase = phase_;
  byte.writer = byte.reader = byte.stranger = kNobody;
  byte.several_read = false;
  byte.read_lanes = 0;
  return byte;
}

bool RaceCheck::ordered(unsigned before, std::uint32_t time, unsigned now) const {
  return before == now || (warp_of(before) == warp_of(now) && known_[now][before % 32] > time);
}

void RaceCheck::check_need(const Byte& byte, const Access& now) {
  const bool after_write = byte.old_writer != kNobody && byte.old_writer != now.thread;
  const bool after_read = byte.old_several_read || (byte.old_reader != kNobody && byte.old_reader != now.thread);
  if (after_write || (now.writes && after_read)) needed_ = true;
}

void RaceCheck::check_copy(const Byte& byte, const Access& now, std::uintptr_t address) {
  if (byte.copying != kNobody && byte.copy_block == block_)
    report({byte.copying, true, byte.copy_place}, now, address, true);
}

void RaceCheck::check_write(const Byte& byte, const Access& now, std::uintptr_t address) {
  check_read(byte, now, address);
  if (byte.stranger != kNobody && warp_of(byte.stranger) != warp_of(now.thread))
    report({byte.stranger, false, byte.stranger_place}, now, address);
  if (byte.reader == kNobody) return;
  if (warp_of(byte.reader) != warp_of(now.thread)) {
    report({byte.reader, false, byte.read_place}, now, address);
    return;
  }
  for (std::uint32_t left = byte.read_lanes; left != 0; left &= left - 1) {
    const unsigned thread = byte.reader / 32U * 32 + static_cast<unsigned>(std::countr_zero(left));
    if (ordered(thread, byte.read_time, now.thread)) continue;
    report({thread, false, byte.read_place}, now, address);
    return;
  }
}

void RaceCheck::check_read(const Byte& byte, const Access& now, std::uintptr_t address) {
  if (byte.writer != kNobody && !ordered(byte.writer, byte.write_time, now.thread))
    report({byte.writer, true, byte.write_place}, now, address);
}

void RaceCheck::note_write(Byte& byte, const Access& now) {
  byte.writer = static_cast<std::uint16_t>(now.thread);
  byte.write_time = times_[warp_of(now.thread)];
  byte.write_place = now.place;
}

void RaceCheck::note_read(Byte& byte, const Access& now) {
  const auto thread = static_cast<std::uint16_t>(now.thread);
  const std::uint32_t time = times_[warp_of(thread)];
  if (byte.reader != kNobody && byte.reader != thread) byte.several_read = true;
  if (byte.reader != kNobody && warp_of(byte.reader) != warp_of(thread)) {
    byte.stranger = thread;
    byte.stranger_place = now.place;
    return;
  }
  // Reads ordered before this one can be dropped: what is ordered after this one is ordered after them.
  if (byte.read_time != time)
    for (std::uint32_t left = byte.read_lanes; left != 0; left &= left - 1) {
      const int lane = std::countr_zero(left);
      if (known_[thread][static_cast<std::size_t>(lane)] > byte.read_time) byte.read_lanes &= ~(1U << lane);
    }
  byte.reader = thread;
  byte.read_lanes |= 1U << thread % 32;
  byte.read_time = time;
  byte.read_place = now.place;
}

void RaceCheck::report(const Other& other, const Access& now, std::uintptr_t address, bool copy) {
  Found& found = found_[{kernel_, other.place, other.writes, now.place, now.writes}];
  if (++found.times > 1) return;
  found.block = fmt::format("({}, {}, {})", blockIdx.x, blockIdx.y, blockIdx.z);
  found.first = other.thread;
  found.second = now.thread;
  found.address = address;
  found.copy = copy;
}

std::vector<std::string> RaceCheck::races() const {
  std::set<const void*> addresses;
  for (const auto& [pair, found] : found_) {
    addresses.insert(std::get<1>(pair));
    addresses.insert(std::get<3>(pair));
  }
  const auto places = source_places(addresses);
  std::vector<std::string> lines;
  for (const auto& [pair, found] : found_) {
    const auto& [kernel, first, first_writes, second, second_writes] = pair;
    lines.push_back(fmt::format(
        "{}, block {}, byte {}: thread {} {} at {}, thread {} {} at {}, {} ({} times)", short_kernel_name(kernel),
        found.block, found.address, found.first, found.copy ? "copies" : (first_writes ? "writes" : "reads"),
        places.at(first).text, found.second, second_writes ? "writes" : "reads", places.at(second).text,
        found.copy ? "before it has waited for the copy" : "with no barrier between", found.times));
  }
  return lines;
}

void RaceCheck::skip_barrier(const std::string& file, unsigned line) {
  skipped_file_ = file;
  skipped_line_ = line;
}

void RaceCheck::forget() {
  found_.clear();
  barriers_.clear();
  skip_barrier("", 0);
}

}  // namespace n2s::emulation
