// Implements check(): error codes become exceptions.
#include "kernels/device/check.h"

#include <fmt/format.h>

#include "kernels/device/toolkit_version.h"

namespace n2s::device {

void check(cudaError_t result, const char* what) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // an error that is not sticky would otherwise be reported by the next call again
  throw Error(fmt::format("{}: {} ({})", what, cudaGetErrorString(result), cudaGetErrorName(result)));
}

}  // namespace n2s::device
