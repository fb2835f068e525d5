// Work on planes that several ranks do together, of which rank 0 gets the results. With null for the ranks one process
// does all of it.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "engine/inference/stack_tiles.h"
#include "tools/ranks/process_ranks.h"

namespace n2s {

/// Whether this process writes files and prints.
inline bool is_first(const ProcessRanks* ranks) {
  return ranks == nullptr || ranks->rank() == 0;
}

/// What rank 0 has found, on all.
bool decided(ProcessRanks* ranks, bool found);

/// The planes of this rank, of so many.
PlaneRange own_planes(const ProcessRanks* ranks, int planes);

/// What all ranks have made, one after the other, on rank 0; on the others nothing.
template <class T>
std::vector<T> joined(ProcessRanks* ranks, std::vector<T> own) {
  if (ranks == nullptr) return own;
  std::vector<T> all;
  for (const std::vector<std::byte>& bytes : ranks->gather(std::as_bytes(std::span(own)))) {
    const std::size_t before = all.size();
    all.resize(before + bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(all.data() + before, bytes.data(), bytes.size());
  }
  return all;
}

/// A sum over ranks, on rank 0.
std::size_t total(ProcessRanks* ranks, std::size_t own);

/// `count` parts, which the ranks make in turn (rank 0 makes parts 0, k, 2k ..., rank 1 parts 1, k + 1 ...) and rank 0
/// takes in their order, a round at a time.
struct SharedParts {
  std::size_t count = 0;
  std::function<std::vector<float>(std::size_t part)> make;
  std::function<void(std::size_t part, std::vector<float> values)> take;
};
void run_in_turn(ProcessRanks* ranks, const SharedParts& parts);

}  // namespace n2s
