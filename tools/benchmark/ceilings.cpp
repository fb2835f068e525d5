// Measures the CPU's peak arithmetic rate and memory bandwidth.
#include "tools/benchmark/ceilings.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "kernels/base/peak.h"

namespace n2s {
namespace {

constexpr int kRuns = 7;

/// Seconds of the fastest of several runs.
template <typename Work>
double fastest(Work&& work) {
  double best = 1e300;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

Ceilings measure_ceilings(ThreadPool& pool) {
  constexpr std::int64_t kRounds = 4'000'000;
  constexpr std::size_t kChunk = 16U << 20;  // bytes per task
  constexpr std::size_t kChunks = 16;
  std::vector<double> operations(static_cast<std::size_t>(pool.threads()));
  std::vector<float> sinks(operations.size());
  const double arithmetic = fastest([&] {
    pool.parallel_for(pool.threads(), [&](std::ptrdiff_t i, int) {
      const auto slot = static_cast<std::size_t>(i);
      operations[slot] = multiply_add_in_registers(kRounds, &sinks[slot]);
    });
  });
  std::vector<char> from(kChunk * kChunks, 1);
  std::vector<char> to(from.size());
  const double copy = fastest([&] {
    pool.parallel_for(kChunks, [&](std::ptrdiff_t i, int) {
      const std::size_t offset = static_cast<std::size_t>(i) * kChunk;
      std::memcpy(to.data() + offset, from.data() + offset, kChunk);
    });
  });
  double total = 0;
  for (const double count : operations) total += count;
  return {total / arithmetic / 1e9, 2.0 * static_cast<double>(from.size()) / copy / 1e9};
}

}  // namespace n2s
