// The CPU's ceilings, measured: the benchmark reports each kernel's share of the nearer one.
#pragma once

#include "kernels/base/thread_pool.h"

namespace n2s {

struct Ceilings {
  double gflops = 0;             // fused multiply-adds in registers, all threads, two operations each
  double gbytes_per_second = 0;  // a copy larger than the caches, bytes read plus bytes written
};

/// The best of several short runs.
Ceilings measure_ceilings(ThreadPool& pool);

}  // namespace n2s
