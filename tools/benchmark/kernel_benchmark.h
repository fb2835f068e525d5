// The kernel benchmark on the CPU: every variant of one operation on every layer shape of all networks, timed and
// checked against the double-precision reference.
#pragma once

#include <string>

#include "kernels/base/thread_pool.h"
#include "tools/benchmark/ceilings.h"

namespace n2s {

struct KernelBenchmarkOptions {
  bool json = false;
  double seconds = 1;  // for each measurement
};

/// `operation` is "conv3x3". Prints a table, or one JSON object.
void run_kernel_benchmark(const std::string& operation, const KernelBenchmarkOptions& options, const Ceilings& ceilings,
                          ThreadPool& pool);

}  // namespace n2s
