// What stands for the GPU's kernel laboratory in a program that was built without CUDA.
#include "kernels/base/error.h"
#include "tools/cuda_laboratory.h"

namespace n2s {

void run_cuda_laboratory(const CudaOptions&, const CudaLaboratoryOptions&) {
  throw Error("this program was built without CUDA");
}

}  // namespace n2s
