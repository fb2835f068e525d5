// Replaces cuda.cpp in a program that was built without CUDA.
#include "engine/devices/device.h"

namespace n2s {

Device open_cuda(const CudaOptions& options) {
  return {make_cuda_backend(options), nullptr, {}};  // throws
}

}  // namespace n2s
