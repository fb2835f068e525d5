// The entry point of the tests that need a GPU: without one they say so and exit with 77, which CTest reports as
// skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/device/device_info.h"

int main(int argc, char** argv) {
  const n2s::device::CudaInfo info = n2s::device::cuda_info();
  if (info.devices.empty()) {
    std::printf("skipped: %s\n", info.why_none.c_str());
    return 77;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // what a cut-off run has printed is kept
  return doctest::Context(argc, argv).run();
}
