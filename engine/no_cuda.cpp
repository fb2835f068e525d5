// What stands for the CUDA backend in a program that was built without it.
#include "engine/cuda_backend.h"
#include "kernels/base/error.h"

namespace n2s {

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions&) {
  throw Error("this program was built without CUDA: use --device cpu, or build it with N2S_CUDA=ON");
}

CudaAvailability cuda_availability() {
  return {false, "this program was built without CUDA"};
}

}  // namespace n2s
