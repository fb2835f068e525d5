// Replaces the CUDA backend in a program that was built without CUDA: every function throws.
#include "engine/cuda/cuda_backend.h"
#include "kernels/base/error.h"
#include "kernels/device/device_info.h"

namespace n2s {
namespace {

constexpr const char* kWhy = "this program was built without CUDA";

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  throw Error("cuda:" + std::to_string(options.device) + ": " + kWhy +
              ": use --device cpu, or build it where nvcc is found (N2S_CUDA=ON)");
}

std::vector<std::string> cuda_conv_variants() {
  return {};
}

CudaCeilings cuda_ceilings(const CudaOptions&) {
  throw Error(kWhy);
}

device::CudaInfo device::cuda_info() {
  return {{}, {}, {}, kWhy};
}

std::string device::kernel_code(int) {
  throw Error(kWhy);
}

int device::kernel_capability(int) {
  throw Error(kWhy);
}

}  // namespace n2s
