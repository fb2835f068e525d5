// See rank_options.h.
#include "tools/ranks/rank_options.h"

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/thread_pool.h"
#include "kernels/device/device_info.h"

namespace n2s {
namespace {

/// A value of each rank, on all of them.
std::vector<float> gathered(Ranks& ranks, float own) {
  std::vector<float> values(static_cast<std::size_t>(ranks.count()));
  values[static_cast<std::size_t>(ranks.rank())] = own;
  ranks.sum(values);
  return values;
}

}  // namespace

CommonOptions options_of_rank(CommonOptions common, const ProcessRanks& ranks) {
  if (common.device == "auto" || common.device == "cuda") {
    const int devices = static_cast<int>(device::cuda_info().devices.size());
    if (devices > 0) common.device = fmt::format("cuda:{}", ranks.local_rank() % devices);
  }
  const int usable = ThreadPool().threads();  // mpirun may have bound the process to some
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const bool is_bound = usable < cores;
  if (common.threads == 0 && is_bound && usable * ranks.local_count() < cores)
    say(common, "each rank is bound to {} of {} cores; mpirun --bind-to none gives it its part of all", usable, cores);
  if (common.threads == 0) common.threads = is_bound ? usable : std::max(1, usable / ranks.local_count());
  return common;
}

VoxelMemory memory_of_ranks(VoxelMemory memory, ProcessRanks& ranks) {
  constexpr float kMiB = 1 << 20;
  const float own = static_cast<float>(memory.free) / kMiB / static_cast<float>(ranks.local_count());
  const std::vector<float> all = gathered(ranks, own);
  memory.free = static_cast<std::size_t>(*std::min_element(all.begin(), all.end())) << 20;
  memory.processes = ranks.count();
  memory.distribute = [&ranks](std::size_t bytes) { return ranks.distribute(bytes); };
  return memory;
}

void check_alike(Ranks& ranks, const std::string& what, const std::string& text) {
  std::size_t first = std::hash<std::string>{}(text);
  const std::size_t own = first;
  ranks.broadcast(std::as_writable_bytes(std::span(&first, 1)));
  const std::vector<float> differs = gathered(ranks, own == first ? 0.0F : 1.0F);
  const auto found = std::find(differs.begin(), differs.end(), 1.0F);
  if (found == differs.end()) return;
  throw Error(fmt::format("{} of rank {} differs from rank 0's; give all the same files and options", what,
                          found - differs.begin()));
}

}  // namespace n2s
