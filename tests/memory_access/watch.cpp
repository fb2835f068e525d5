// Sorts accesses by the memory that they are to, and keeps track of asynchronous copies.
#include "tests/memory_access/watch.h"

#include <algorithm>

#include "tests/emulation/runtime.h"
#include "tests/memory_access/access_count.h"
#include "tests/memory_access/copies.h"
#include "tests/memory_access/race_check.h"

namespace n2s::emulation {
namespace {

constexpr std::uint32_t kCopyBytes = 16;

unsigned running_thread() {
  return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}

std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

Watch::Watch(RaceCheck* races, AccessCount* count) : races_(races), count_(count) {
  observer = this;
}

Watch::~Watch() {
  observer = nullptr;
}

void Watch::begin_block(const KernelRun& run) {
  shared_ = number(shared_memory());
  shared_bytes_ = run.shared_bytes;
  const unsigned threads = run.block.x * run.block.y * run.block.z;
  copies_.assign(threads, {});
  if (count_ != nullptr && blockIdx.x == 0 && blockIdx.y == 0 && blockIdx.z == 0) find_device_memory();
  if (races_ != nullptr) races_->begin_block(run.kernel, threads);
  if (count_ != nullptr) count_->begin_block(run, threads);
  watching = this;
}

void Watch::end_block() {
  watching = nullptr;
  if (races_ != nullptr) races_->end_block();
  if (count_ != nullptr) count_->end_block();
}

void Watch::block_met(CallSite where) {
  if (races_ != nullptr) races_->block_met(where);
  if (count_ != nullptr) count_->block_met();
}

void Watch::lanes_met(unsigned first, std::uint32_t lanes, const char* what) {
  if (races_ != nullptr) races_->lanes_met(first, lanes, what);
  if (count_ != nullptr) count_->lanes_met(first, lanes);
}

void Watch::matrix_access(const void* begin, bool writes) {
  if (watching == nullptr || count_ == nullptr) return;
  Access access{running_thread(), number(begin), 16, writes, true, __builtin_return_address(0)};
  const std::uintptr_t offset = access.address - shared_;
  if (offset < shared_bytes_) {
    access.address = offset;
    count_->shared_access(access);
  } else if (in_device_memory(access.address)) {
    count_->device_access(access);
  }
}

void Watch::access(const void* begin, std::size_t bytes, bool writes, const void* place) {
  Access access{0, number(begin), static_cast<std::uint32_t>(bytes), writes, false, place};
  const std::uintptr_t offset = access.address - shared_;
  if (offset < shared_bytes_) {
    access.thread = running_thread();
    access.address = offset;
    if (races_ != nullptr) races_->access(access);
    if (count_ != nullptr) count_->shared_access(access);
  } else if (count_ != nullptr && in_device_memory(access.address)) {
    access.thread = running_thread();
    count_->device_access(access);
  }
}

void Watch::copy_begins(const void* to, const void* place) {
  const std::uintptr_t offset = number(to) - shared_;
  const unsigned thread = running_thread();
  Copies& copies = copies_[thread];
  copies.in_flight.push_back({offset, place, copies.group});
  if (races_ != nullptr) races_->copy_begins({thread, offset, kCopyBytes, true, false, place});
}

void Watch::copies_committed() {
  ++copies_[running_thread()].group;
}

void Watch::copies_awaited(unsigned pending) {
  if (ignores_waiting_) return;
  const unsigned thread = running_thread();
  Copies& copies = copies_[thread];
  const auto arrived = [&](const Copy& copy) { return copy.group + pending < copies.group; };
  for (const Copy& copy : copies.in_flight)
    if (races_ != nullptr && arrived(copy))
      races_->copy_arrives({thread, copy.to, kCopyBytes, true, false, copy.place});
  std::erase_if(copies.in_flight, arrived);
}

void Watch::find_device_memory() {
  device_memory_.clear();
  last_range_ = 0;
  for (const auto& [begin, allocation] : Runtime::get().allocations)
    if (allocation.on_device) device_memory_.push_back({number(begin), number(begin) + allocation.bytes});
}

bool Watch::in_device_memory(std::uintptr_t address) {
  const auto holds = [&](const Range& range) { return address >= range.begin && address < range.end; };
  if (device_memory_.empty()) return false;
  if (holds(device_memory_[last_range_])) return true;
  const auto next = std::upper_bound(device_memory_.begin(), device_memory_.end(), address,
                                     [](std::uintptr_t a, const Range& range) { return a < range.begin; });
  if (next == device_memory_.begin() || !holds(*(next - 1))) return false;
  last_range_ = static_cast<std::size_t>(next - 1 - device_memory_.begin());
  return true;
}

void copy_begins(const void* to) {
  if (watching != nullptr) watching->copy_begins(to, __builtin_return_address(0));
}

void copies_committed() {
  if (watching != nullptr) watching->copies_committed();
}

void copies_awaited(unsigned pending) {
  if (watching != nullptr) watching->copies_awaited(pending);
}

}  // namespace n2s::emulation
