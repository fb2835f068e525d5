// See shared_work.h.
#include "tools/ranks/shared_work.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace n2s {

bool decided(ProcessRanks* ranks, bool found) {
  if (ranks != nullptr) ranks->broadcast(std::as_writable_bytes(std::span(&found, 1)));
  return found;
}

PlaneRange own_planes(const ProcessRanks* ranks, int planes) {
  if (ranks == nullptr) return {0, planes};
  const BatchShare share = share_of(planes, ranks->rank(), ranks->count());
  return {share.first, share.count};
}

std::size_t total(ProcessRanks* ranks, std::size_t own) {
  const std::vector<std::size_t> all = joined(ranks, std::vector{own});
  return std::accumulate(all.begin(), all.end(), std::size_t{0});
}

void run_in_turn(ProcessRanks* ranks, const SharedParts& parts) {
  const std::size_t at_once = ranks == nullptr ? 1 : static_cast<std::size_t>(ranks->count());
  const std::size_t own = ranks == nullptr ? 0 : static_cast<std::size_t>(ranks->rank());
  for (std::size_t first = 0; first < parts.count; first += at_once) {
    std::vector<float> made;
    if (first + own < parts.count) made = parts.make(first + own);
    if (ranks == nullptr) {
      parts.take(first, std::move(made));
      continue;
    }
    const std::vector<std::vector<std::byte>> round = ranks->gather(std::as_bytes(std::span(made)));
    for (std::size_t i = 0; i < round.size() && first + i < parts.count; ++i) {
      std::vector<float> values(round[i].size() / sizeof(float));
      if (!values.empty()) std::memcpy(values.data(), round[i].data(), round[i].size());
      parts.take(first + i, std::move(values));
    }
  }
}

}  // namespace n2s
