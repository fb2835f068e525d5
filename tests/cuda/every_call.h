// Runs GPU work that has a fallback on the CPU, with each of its CUDA calls failing once.
#pragma once

#include <doctest/doctest.h>

#include "emulation/control.h"
#include "kernels/base/error.h"

namespace n2s::test {

/// Runs `work` once for each of its CUDA calls, with that call failing. The outcome must be an Error or the right
/// result, without a leak. `work` checks its result and returns whether it fell back to the CPU, which at least
/// `fewest_by_host` faults must cause.
template <typename Work>
void check_every_call(int fewest_by_host, Work&& work) {
  const long before = emulation::calls();
  REQUIRE_FALSE(work());
  const long calls = emulation::calls() - before;
  const std::size_t alive = emulation::live_objects();
  int errors = 0;
  int by_host = 0;
  for (long n = 1; n <= calls; ++n) {
    CAPTURE(n);
    emulation::fail_call(n, cudaErrorUnknown);
    try {
      by_host += work() ? 1 : 0;
    } catch (const Error&) {
      ++errors;
    }
    emulation::fail_call(0, cudaSuccess);
    CHECK(emulation::live_objects() == alive);
  }
  CHECK(by_host >= fewest_by_host);
  CHECK(errors > 5);
}

}  // namespace n2s::test
