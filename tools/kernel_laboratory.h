// Every variant of one kernel on every layer shape of both networks, each checked against its double-precision twin:
// for people who study kernels.
#pragma once

#include <string>

#include "kernels/base/thread_pool.h"
#include "tools/ceilings.h"

namespace n2s {

struct LaboratoryOptions {
  bool json = false;
  double seconds = 1;  // for each measurement
};

/// `operation` is "conv3x3". Prints a table, or one JSON object.
void run_kernel_laboratory(const std::string& operation, const LaboratoryOptions& options, const Ceilings& ceilings,
                           ThreadPool& pool);

}  // namespace n2s
