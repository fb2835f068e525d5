// Runs the threads of a block as fibers: scheduling, barriers, meetings of warps, and the messages about divergence.
#include "emulation/block.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emulation/observer.h"
#include "emulation/warp.h"
#include "tests/emulation/fiber.h"
#include "tests/emulation/kernel_name.h"
#include "tests/emulation/sanitizer.h"

namespace n2s::emulation {
namespace {

constexpr unsigned kWarpsOfBlock = 32;

enum class Wait : std::uint8_t { nothing, block, warp, some_lanes };

struct Warp;

/// A thread of the block.
struct Thread {
  explicit Thread(unsigned number);

  uint3 index{};
  Warp* warp = nullptr;
  unsigned lane;
  Fiber fiber;

  // While it waits:
  Wait wait = Wait::nothing;
  const char* what = nullptr;
  CallSite where;
  std::uint32_t mask = 0;      // of the lanes that it waits for, with Wait::some_lanes
  const void* mine = nullptr;  // the value that it publishes to them
  void* all = nullptr;         // receives their values
};

/// A bit for each lane.
struct Warp {
  std::uint32_t there = 0;
  std::uint32_t runnable = 0;
  std::uint32_t met = 0;  // lanes that wait for the whole warp
  std::uint32_t ended = 0;
  const char* what = nullptr;  // the function that they wait in
  CallSite where;
  unsigned meeting = 0;  // number of meetings of all lanes: values stay valid for one more
  alignas(64) std::byte values[2][32 * kLargestValue];
};

/// Thrown in waiting threads of a block that cannot go on, so that their stacks unwind.
struct Cancelled {};

/// The running block. There is one at a time, and its threads' fibers are reused for the next.
struct Block {
  KernelRun run;
  unsigned threads = 0;
  std::uint32_t warps_ready = 0;  // warps that may have runnable lanes
  unsigned ended = 0;
  unsigned at_barrier = 0;
  CallSite barrier_where;
  unsigned barriers = 0;
  int holds[2] = {};  // threads whose predicate holds, at even and odd barriers
  bool cancelled = false;
  std::optional<std::string> failure;
  Order order = Order::ascending;
};

Block block;
Warp warps[kWarpsOfBlock];
Thread* current = nullptr;
Fiber launcher;
alignas(1024) std::byte shared[kLargestSharedMemory];

std::vector<std::unique_ptr<Thread>>& threads() {
  static std::vector<std::unique_ptr<Thread>> all;
  return all;
}

std::string to_text(const uint3& v) {
  return fmt::format("({}, {}, {})", v.x, v.y, v.z);
}

std::string place_of(const CallSite& where) {
  const std::string file = where.file;
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line);
}

std::string where_running() {
  return fmt::format("{}, block {}", kernel_name(block.run.kernel), to_text(blockIdx));
}

unsigned first_of(std::uint32_t bits) {
  return static_cast<unsigned>(block.order == Order::ascending ? std::countr_zero(bits) : 31 - std::countl_zero(bits));
}

/// The next thread that can run, of the current warp if possible, so that warps get as far apart as barriers allow.
/// Null if none can.
Thread* take_runnable() {
  Warp* warp = current->warp;
  while (warp->runnable == 0) {
    block.warps_ready &= ~(1U << (warp - warps));
    if (block.warps_ready == 0) return nullptr;
    warp = &warps[first_of(block.warps_ready)];
  }
  const unsigned lane = first_of(warp->runnable);
  warp->runnable &= ~(1U << lane);
  return threads()[static_cast<std::size_t>(warp - warps) * 32 + lane].get();
}

void go_on_with(Thread* next) {
  Thread& me = *current;
  if (next == nullptr) {
    me.fiber.switch_to(launcher);
  } else {
    current = next;
    me.fiber.switch_to(next->fiber);
  }
}

void wait_for(Wait wait, const char* what, CallSite where) {
  Thread& me = *current;
  me.wait = wait;
  me.what = what;
  me.where = where;
  go_on_with(take_runnable());
  me.wait = Wait::nothing;
  if (block.cancelled) throw Cancelled{};
  threadIdx = me.index;
}

void note_failure(const std::string& message) {
  block.cancelled = true;
  if (!block.failure)
    block.failure = fmt::format("{}, thread {}: {}", where_running(), to_text(current->index), message);
}

/// The fibers' function: runs the thread of this number in every block.
void run_threads(void* argument) {
  Thread& me = *static_cast<Thread*>(argument);
  for (;;) {
    threadIdx = me.index;
    try {
      (*block.run.thread)();
    } catch (const Cancelled&) {
    } catch (const std::exception& error) {
      note_failure(error.what());
    } catch (...) {
      note_failure("an exception of unknown type");
    }
    ++block.ended;
    me.warp->ended |= 1U << me.lane;
    go_on_with(block.cancelled ? nullptr : take_runnable());
  }
}

Thread::Thread(unsigned number) : warp(&warps[number / 32]), lane(number % 32), fiber(run_threads, this, number) {}

void resume(Thread& thread) {
  current = &thread;
  launcher.switch_to(thread.fiber);
}

bool is_waiting(const Thread& thread) {
  return thread.wait != Wait::nothing;
}

/// "96 threads wait in __syncthreads (file.cu:12), first (0, 0, 0); 32 threads have ended, first (96, 0, 0)"
std::string why_stuck() {
  struct Group {
    const Thread* first;
    unsigned count;
  };
  std::vector<Group> groups;
  for (unsigned i = 0; i < block.threads; ++i) {
    const Thread& thread = *threads()[i];
    bool found = false;
    for (Group& group : groups) {
      const Thread& first = *group.first;
      const bool same = is_waiting(first) == is_waiting(thread) &&
                        (!is_waiting(thread) || (first.what == thread.what && first.where.line == thread.where.line));
      if (!same) continue;
      ++group.count;
      found = true;
      break;
    }
    if (!found) groups.push_back({&thread, 1});
  }
  std::string text;
  for (const auto& [first, count] : groups) {
    text += fmt::format("{}{} of {} threads ", text.empty() ? "" : "; ", count, block.threads);
    text += is_waiting(*first) ? fmt::format("wait in {} ({})", first->what, place_of(first->where)) : "have ended";
    text += ", first " + to_text(first->index);
  }
  return text;
}

/// Makes the waiting threads throw, so that their objects are destroyed.
void cancel_block() {
  block.cancelled = true;
  for (unsigned i = 0; i < block.threads; ++i)
    if (is_waiting(*threads()[i])) resume(*threads()[i]);
}

void prepare_block() {
  block.ended = block.at_barrier = 0;
  block.holds[0] = block.holds[1] = 0;
  block.warps_ready = 0;
  for (unsigned first = 0; first < block.threads; first += 32) {
    Warp& warp = warps[first / 32];
    const unsigned lanes = block.threads - first;
    warp.there = lanes >= 32 ? kFullWarp : (1U << lanes) - 1;
    warp.runnable = warp.there;
    warp.met = warp.ended = 0;
    block.warps_ready |= 1U << (first / 32);
  }
  std::memset(shared, 0xFF, block.run.shared_bytes);
}

void run_block() {
  prepare_block();
  current = threads()[std::size_t{32} * first_of(block.warps_ready)].get();
  resume(*take_runnable());
  if (block.ended == block.threads) return;
  if (!block.failure) block.failure = fmt::format("{} cannot go on: {}", where_running(), why_stuck());
  cancel_block();
}

void prepare_threads() {
  const dim3 size = block.run.block;
  block.threads = size.x * size.y * size.z;
  while (threads().size() < block.threads)
    threads().push_back(std::make_unique<Thread>(static_cast<unsigned>(threads().size())));
  for (unsigned i = 0; i < block.threads; ++i)
    threads()[i]->index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
}

/// Whether all these lanes wait for the lanes in `mask`, at this line.
bool all_wait(const Warp& warp, std::uint32_t lanes, std::uint32_t mask, CallSite where) {
  const std::size_t first = static_cast<std::size_t>(&warp - warps) * 32;
  for (std::uint32_t left = lanes; left != 0; left &= left - 1) {
    const Thread& thread = *threads()[first + static_cast<std::size_t>(std::countr_zero(left))];
    if (thread.wait != Wait::some_lanes || thread.mask != mask || thread.where.line != where.line) return false;
  }
  return true;
}

}  // namespace

void run_kernel(const KernelRun& run) {
  block.run = run;
  block.cancelled = false;
  block.failure.reset();
  prepare_threads();
  gridDim = run.grid;
  blockDim = run.block;
  forbid(shared, sizeof shared);
  allow(shared, run.shared_bytes);
  for (blockIdx.z = 0; blockIdx.z < run.grid.z; ++blockIdx.z)
    for (blockIdx.y = 0; blockIdx.y < run.grid.y; ++blockIdx.y)
      for (blockIdx.x = 0; blockIdx.x < run.grid.x; ++blockIdx.x) {
        if (observer != nullptr) observer->begin_block(run);
        run_block();
        if (observer != nullptr) observer->end_block();
        if (block.failure) throw KernelFailure(*block.failure);
      }
}

void set_order(Order order) {
  block.order = order;
}

std::byte* shared_memory() {
  return shared;
}

void block_barrier(CallSite where) {
  block_barrier_count(false, where);
}

int block_barrier_count(bool predicate, CallSite where) {
  if (block.at_barrier == 0) {
    block.barrier_where = where;
  } else if (block.barrier_where.line != where.line) {
    throw KernelFailure(fmt::format("waits in __syncthreads ({}) while {} threads do at another ({})", place_of(where),
                                    block.at_barrier, place_of(block.barrier_where)));
  }
  int& holds = block.holds[block.barriers % 2];
  holds += predicate ? 1 : 0;
  if (++block.at_barrier < block.threads) {
    wait_for(Wait::block, "__syncthreads", where);
    return holds;
  }
  if (observer != nullptr) observer->block_met(where);
  block.at_barrier = 0;
  block.holds[++block.barriers % 2] = 0;
  for (unsigned first = 0; first < block.threads; first += 32) {
    warps[first / 32].runnable = warps[first / 32].there;
    block.warps_ready |= 1U << (first / 32);
  }
  current->warp->runnable &= ~(1U << current->lane);
  return holds;
}

void fail_thread(const std::string& message) {
  throw KernelFailure(message);
}

std::uint32_t lanes_of_warp() {
  return current->warp->there;
}

std::uint32_t warp_vote(std::uint32_t mask, bool predicate, const char* what, CallSite where) {
  const std::uint32_t there = mask & lanes_of_warp();
  bool some[32];
  const bool* all = some;
  if (there == lanes_of_warp())
    all = warp_gather(predicate, what, where);
  else
    detail::some_lanes_meet(mask, &predicate, some, sizeof(bool), what, where);
  std::uint32_t vote = 0;
  for (std::uint32_t left = there; left != 0; left &= left - 1) {
    const std::uint32_t bit = left & (~left + 1);
    if (all[std::countr_zero(bit)]) vote |= bit;
  }
  return vote;
}

void warp_barrier(std::uint32_t mask, CallSite where) {
  if ((mask & lanes_of_warp()) == lanes_of_warp())
    detail::warp_meet("__syncwarp", where);
  else
    detail::some_lanes_meet(mask, nullptr, nullptr, 0, "__syncwarp", where);
}

namespace detail {

Place place() {
  Warp& warp = *current->warp;
  return {current->lane, warp.values[warp.meeting % 2]};
}

void warp_meet(const char* what, CallSite where) {
  Warp& warp = *current->warp;
  if (warp.met == 0) {
    warp.what = what;
    warp.where = where;
  } else if (warp.where.line != where.line) {
    throw KernelFailure(fmt::format("is in {} ({}) while lanes of its warp wait in {} ({})", what, place_of(where),
                                    warp.what, place_of(warp.where)));
  }
  warp.met |= 1U << current->lane;
  if (warp.met != warp.there) return wait_for(Wait::warp, what, where);
  if (observer != nullptr) observer->lanes_met(32 * static_cast<unsigned>(&warp - warps), warp.there, what);
  warp.met = 0;
  ++warp.meeting;
  warp.runnable |= warp.there & ~(1U << current->lane);
}

void some_lanes_meet(std::uint32_t mask, const void* mine, void* all, std::size_t bytes, const char* what,
                     CallSite where) {
  Thread& me = *current;
  Warp& warp = *me.warp;
  mask &= warp.there;
  if ((mask >> me.lane & 1U) == 0) throw KernelFailure(fmt::format("the mask of {} lacks the lane itself", what));
  me.mask = mask;
  me.mine = mine;
  me.all = all;
  const std::uint32_t others = mask & ~(1U << me.lane);
  if (!all_wait(warp, others, mask, where)) return wait_for(Wait::some_lanes, what, where);
  const std::size_t first = static_cast<std::size_t>(me.warp - warps) * 32;
  if (observer != nullptr) observer->lanes_met(static_cast<unsigned>(first), mask, what);
  for (std::size_t to = 0; to < 32; ++to) {
    if ((mask >> to & 1U) == 0) continue;
    for (std::size_t from = 0; from < 32 && bytes != 0; ++from)
      if ((mask >> from & 1U) != 0)
        std::memcpy(static_cast<std::byte*>(threads()[first + to]->all) + from * bytes, threads()[first + from]->mine,
                    bytes);
  }
  for (std::uint32_t left = others; left != 0; left &= left - 1)
    threads()[first + static_cast<std::size_t>(std::countr_zero(left))]->mask = 0;  // no longer waiting
  warp.runnable |= others;
}

}  // namespace detail
}  // namespace n2s::emulation
