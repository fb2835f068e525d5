// Work on the GPU that the processor can stand in for, with each of its calls failing once.
#pragma once

#include <doctest/doctest.h>

#include "emulation/control.h"
#include "kernels/base/error.h"

namespace n2s::test {

/// Runs `work` once for each of its calls, which fails: an Error, or the right result, and nothing is leaked. `work`
/// checks its result, and returns whether the processor stood in, as it has to for `fewest_by_host` calls.
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
