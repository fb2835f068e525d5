// Radix selection: each round counts the values by their next bits, among those whose leading bits are those of the
// value searched for, and keeps the bin that holds the rank. Counts are integers, so the order of the additions does
// not matter.
#include "kernels/percentile/cuda.h"

#include "kernels/base/error.h"
#include "kernels/device/grid.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

constexpr int kRounds = 3;
constexpr int kBits = 11;  // of a round; the last one has 10
constexpr unsigned kBins = 1U << kBits;
constexpr unsigned kBinsOfThread = kBins / kGridThreads;
constexpr std::size_t kChunk = 1U << 16;  // values per block

/// What is known of one value that is searched for.
struct Search {
  unsigned known = 0;             // leading bits of its key, the others 0
  unsigned long long before = 0;  // rank among the values with these bits
};

struct Ranks {
  unsigned long long ranks[kMostRanks];
};

/// A bin of a search, in one round.
using Counts = unsigned long long;

int shift_of(int round) {
  return round == kRounds - 1 ? 0 : 32 - kBits * (round + 1);
}

/// Unsigned integers that order like the floats.
__device__ unsigned key_of(float value) {
  const unsigned bits = __float_as_uint(value == 0 ? 0.0F : value);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

__device__ float value_of(unsigned key) {
  return __uint_as_float((key & 0x80000000U) != 0 ? key & 0x7FFFFFFFU : ~key);
}

__global__ void start_kernel(const Ranks ranks, Search* searches, Counts* counts) {
  Counts* mine = counts + static_cast<std::size_t>(blockIdx.x) * kBins;
  for (unsigned bin = threadIdx.x; bin < kBins; bin += kGridThreads) mine[bin] = 0;
  if (threadIdx.x == 0) searches[blockIdx.x] = {0, ranks.ranks[blockIdx.x]};
}

/// Counts by the bits below those of `known_mask`, down to `shift`, the values whose bits in `known_mask` are the known
/// ones.
__global__ void count_kernel(const float* values, std::size_t count, const Search* searches, unsigned known_mask,
                             int shift, Counts* counts) {
  auto* bins = shared_memory<unsigned>();
  for (unsigned bin = threadIdx.x; bin < kBins; bin += kGridThreads) bins[bin] = 0;
  __syncthreads();
  const unsigned known = searches[blockIdx.y].known;
  const std::size_t begin = blockIdx.x * kChunk;
  for (std::size_t i = begin + threadIdx.x; i < begin + kChunk && i < count; i += kGridThreads) {
    const unsigned key = key_of(values[i]);
    if ((key & known_mask) == known) atomicAdd(&bins[(key & ~known_mask) >> shift], 1U);
  }
  __syncthreads();
  Counts* all = counts + static_cast<std::size_t>(blockIdx.y) * kBins;
  for (unsigned bin = threadIdx.x; bin < kBins; bin += kGridThreads)
    if (bins[bin] != 0) atomicAdd(&all[bin], static_cast<Counts>(bins[bin]));
}

/// Shared memory of choose_kernel.
struct Choice {
  Counts sums[kGridThreads];  // per thread, over its bins
  Search search;
  unsigned chosen;  // the thread whose bins hold the rank
};

/// One block per search. Each thread sums its bins; thread 0 finds the thread whose bins hold the rank, and that thread
/// the bin. The counts are cleared for the next round.
__global__ void choose_kernel(Search* searches, int shift, Counts* counts, float* found) {
  auto& [sums, search, chosen] = *shared_memory<Choice>();
  Counts* mine = counts + static_cast<std::size_t>(blockIdx.x) * kBins + threadIdx.x * kBinsOfThread;
  Counts sum = 0;
  for (unsigned bin = 0; bin < kBinsOfThread; ++bin) sum += mine[bin];
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    search = searches[blockIdx.x];
    chosen = 0;
    while (chosen + 1 < kGridThreads && search.before >= sums[chosen]) search.before -= sums[chosen++];
  }
  __syncthreads();
  if (threadIdx.x == chosen) {
    unsigned bin = 0;
    while (bin + 1 < kBinsOfThread && search.before >= mine[bin]) search.before -= mine[bin++];
    search.known |= (chosen * kBinsOfThread + bin) << shift;
    searches[blockIdx.x] = search;
    if (shift == 0) found[blockIdx.x] = value_of(search.known);
  }
  for (unsigned bin = 0; bin < kBinsOfThread; ++bin) mine[bin] = 0;
}

}  // namespace

std::size_t order_statistics_scratch_bytes(int ranks) {
  return static_cast<std::size_t>(ranks) * (kBins * sizeof(Counts) + sizeof(Search));
}

void order_statistics(const float* values, std::size_t count, std::span<const std::size_t> ranks, float* found,
                      void* scratch, cudaStream_t stream) {
  if (ranks.empty() || ranks.size() > kMostRanks) throw Error("percentiles on the GPU: from 1 to 16 at once");
  Ranks requested{};
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] >= count) throw Error("percentiles on the GPU: a rank is not below the number of values");
    requested.ranks[i] = ranks[i];
  }
  const auto searches_at_once = static_cast<unsigned>(ranks.size());
  auto* counts = static_cast<Counts*>(scratch);
  auto* searches = reinterpret_cast<Search*>(counts + ranks.size() * kBins);
  const LaunchShape per_search{dim3(searches_at_once), dim3(kGridThreads), sizeof(Choice), stream};
  const LaunchShape in_chunks{dim3(static_cast<unsigned>((count + kChunk - 1) / kChunk), searches_at_once),
                              dim3(kGridThreads), kBins * sizeof(unsigned), stream};
  launch("percentiles, start", start_kernel, per_search, requested, searches, counts);
  unsigned known_mask = 0;
  for (int round = 0; round < kRounds; ++round) {
    const int shift = shift_of(round);
    launch("percentiles, counts", count_kernel, in_chunks, values, count, static_cast<const Search*>(searches),
           known_mask, shift, counts);
    launch("percentiles, choice", choose_kernel, per_search, searches, shift, counts, found);
    known_mask = ~((1U << shift) - 1);
  }
}

}  // namespace n2s::device
