// Groups the lanes' accesses into accesses of the warp, and counts wavefronts and sectors.
#include "tests/memory_access/access_count.h"

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>
#include <utility>

#include "tests/memory_access/short_name.h"
#include "tests/memory_access/source_place.h"

namespace n2s::emulation {
namespace {

constexpr std::uint32_t kWidest = 16;  // bytes per lane of the widest instruction
constexpr std::uintptr_t kBanks = 32;
constexpr std::uintptr_t kSectorBytes = 32;

/// Lanes that shared memory serves at once, by the width of their accesses.
std::size_t lanes_of_phase(std::uint32_t bytes) {
  if (bytes <= 4) return 32;
  return bytes <= 8 ? 16 : 8;
}

/// Number of different words in the bank with most of them, for these lanes.
template <typename Addresses>
long wavefronts(const Addresses& addresses, std::uint32_t lanes, std::uint32_t bytes) {
  std::array<std::uintptr_t, 64> words{};
  std::size_t count = 0;
  for (std::uint32_t left = lanes; left != 0; left &= left - 1) {
    const std::uintptr_t address = addresses[static_cast<std::size_t>(std::countr_zero(left))];
    for (std::uintptr_t word = address / 4; word <= (address + bytes - 1) / 4; ++word) words[count++] = word;
  }
  std::sort(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
  const auto end = std::unique(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
  std::array<long, kBanks> of_bank{};
  long most = 0;
  for (auto word = words.begin(); word != end; ++word) most = std::max(most, ++of_bank[*word % kBanks]);
  return most;
}

/// Whether these functions move elements of a matrix instruction, which is reported as 16-byte vectors as well.
bool is_element_of_matrix(const std::string& functions) {
  const auto called = [&](const char* name) { return functions.find(name) != std::string::npos; };
  return called("load_matrices") || called("load_matrix_sync") || called("store_matrix_sync");
}

}  // namespace

void AccessCount::begin_block(const KernelRun& run, unsigned threads) {
  if (run.kernel != kernel_) {
    other_indices_[kernel_].swap(indices_);
    indices_.swap(other_indices_[run.kernel]);
    kernel_ = run.kernel;
  }
  BlockSize& size = block_sizes_[kernel_];
  size = {std::max(size.threads, threads), std::max(size.shared_bytes, run.shared_bytes)};
  threads_ = threads;
  entries_.resize(std::max<std::size_t>(entries_.size(), (std::size_t{threads} + 31) / 32 * 32));
}

void AccessCount::end_block() {
  block_met();
}

void AccessCount::block_met() {
  for (unsigned first = 0; first < threads_; first += 32) count_warp(first);
}

void AccessCount::lanes_met(unsigned first, std::uint32_t lanes) {
  const unsigned count = std::min(threads_ - first, 32U);
  if (lanes == (count == 32 ? 0xFFFFFFFFU : (1U << count) - 1)) count_warp(first);
}

void AccessCount::note(const Access& access, bool shared) {
  Access vector = access;
  for (std::uint32_t done = 0; done < access.bytes; done += kWidest) {
    vector.address = access.address + done;
    vector.bytes = std::min(access.bytes - done, kWidest);
    add(vector, shared);
  }
}

void AccessCount::add(const Access& access, bool shared) {
  const std::uintptr_t key = 2 * reinterpret_cast<std::uintptr_t>(access.place) + (shared ? 1 : 0);
  const auto [found, is_new] = indices_.try_emplace(key, static_cast<std::uint32_t>(places_.size()));
  if (is_new) {
    Place& place = places_.emplace_back();
    place.kernel = kernel_;
    place.address = access.place;
    place.shared = shared;
    place.writes = access.writes;
    place.matrix = access.matrix;
    place.bytes = access.bytes;
  }
  entries_[access.thread].push_back({found->second, access.address});
}

void AccessCount::count_warp(unsigned first) {
  std::vector<std::uint32_t> touched;
  ++flush_;
  for (unsigned lane = 0; lane < 32; ++lane) {
    ++lane_;
    for (const Entry& entry : entries_[first + lane]) {
      Place& place = places_[entry.place];
      if (place.flush != flush_) {
        place.flush = flush_;
        place.used = 0;
        touched.push_back(entry.place);
      }
      if (place.lane != lane_) {
        place.lane = lane_;
        place.times = 0;
      }
      if (place.times == place.used) {
        if (place.used == place.groups.size()) place.groups.emplace_back();
        place.groups[place.used++].lanes = 0;
      }
      Group& group = place.groups[place.times++];
      group.lanes |= 1U << lane;
      group.addresses[lane] = entry.address;
    }
    entries_[first + lane].clear();
  }
  for (const std::uint32_t index : touched)
    for (std::size_t i = 0; i < places_[index].used; ++i) count(places_[index], places_[index].groups[i]);
}

void AccessCount::count(Place& place, const Group& group) {
  ++place.sums.accesses;
  if (place.shared) {
    const std::size_t together = lanes_of_phase(place.bytes);
    for (std::size_t first = 0; first < 32; first += together) {
      const std::uint32_t lanes = group.lanes & (together == 32 ? 0xFFFFFFFFU : ((1U << together) - 1) << first);
      if (lanes == 0) continue;
      place.sums.cost += wavefronts(group.addresses, lanes, place.bytes);
      ++place.sums.ideal;
    }
    return;
  }
  std::map<std::uintptr_t, std::uint32_t> sectors;  // and a mask of the bytes in use
  for (std::uint32_t left = group.lanes; left != 0; left &= left - 1) {
    const std::uintptr_t begin = group.addresses[static_cast<std::size_t>(std::countr_zero(left))];
    for (std::uintptr_t byte = begin; byte < begin + place.bytes; ++byte)
      sectors[byte / kSectorBytes] |= 1U << byte % kSectorBytes;
  }
  int bytes = 0;
  for (const auto& [sector, which] : sectors) bytes += std::popcount(which);
  place.sums.cost += static_cast<long>(sectors.size());
  place.sums.ideal += (bytes + static_cast<int>(kSectorBytes) - 1) / static_cast<int>(kSectorBytes);
}

std::vector<AccessLine> AccessCount::lines() const {
  std::set<const void*> addresses;
  for (const Place& place : places_) addresses.insert(place.address);
  const auto sources = source_places(addresses);
  std::map<std::tuple<std::string, bool, std::string, bool, std::uint32_t>, AccessLine> lines;
  for (const Place& place : places_) {
    const SourcePlace& source = sources.at(place.address);
    if (!place.matrix && is_element_of_matrix(source.functions)) continue;
    const std::string& kernel = short_kernel_name(place.kernel);
    AccessLine& line = lines[{kernel, !place.shared, source.text, place.writes, place.bytes}];
    line.kernel = kernel;
    line.place = source.text;
    line.shared = place.shared;
    line.writes = place.writes;
    line.bytes = place.bytes;
    line.sums.accesses += place.sums.accesses;
    line.sums.cost += place.sums.cost;
    line.sums.ideal += place.sums.ideal;
  }
  std::vector<AccessLine> result;
  result.reserve(lines.size());
  for (auto& [key, line] : lines) result.push_back(std::move(line));
  return result;
}

std::map<std::string, BlockSize> AccessCount::block_sizes() const {
  std::map<std::string, BlockSize> sizes;
  for (const auto& [kernel, size] : block_sizes_) sizes[short_kernel_name(kernel)] = size;
  return sizes;
}

}  // namespace n2s::emulation
