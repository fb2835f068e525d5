// What the processor can do at most, measured: the yardsticks of the benchmark.
#pragma once

#include "kernels/base/thread_pool.h"

namespace n2s {

struct Ceilings {
  double gflops = 0;             // fused multiply-adds in registers, all threads, two operations each
  double gbytes_per_second = 0;  // a copy larger than the caches, bytes read plus bytes written
};

/// The best of several short runs: a ceiling is what was reached at all.
Ceilings measure_ceilings(ThreadPool& pool);

}  // namespace n2s
