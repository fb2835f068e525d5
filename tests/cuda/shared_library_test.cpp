// The loader for NVIDIA's libraries, on a library that every system has: the emulation needs none of NVIDIA's.
#include "kernels/device/shared_library.h"

#include <doctest/doctest.h>

namespace n2s::test {
namespace {

TEST_CASE("the first library that is found is loaded, and its functions are found") {
  constexpr const char* kNames[] = {"libn2s_no_such_library.so", "libm.so.6"};
  const device::SharedLibrary library(kNames);
  REQUIRE(library);
  double (*cosine)(double) = nullptr;
  REQUIRE(library.find("cos", cosine));
  CHECK(cosine(0) == 1);
  CHECK(!library.find("n2s_no_such_function", cosine));
}

TEST_CASE("a library that is not installed has no functions") {
  constexpr const char* kNames[] = {"libn2s_no_such_library.so"};
  const device::SharedLibrary library(kNames);
  CHECK(!library);
  double (*cosine)(double) = nullptr;
  CHECK(!library.find("cos", cosine));
}

}  // namespace
}  // namespace n2s::test
