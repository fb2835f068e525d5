// Stands in for the GPU's kernel benchmark in a program that was built without CUDA.
#include "kernels/base/error.h"
#include "tools/benchmark/cuda_kernel_benchmark.h"

namespace n2s {

void run_cuda_kernel_benchmark(const CudaOptions&, const CudaKernelBenchmarkOptions&) {
  throw Error("this program was built without CUDA; choose --device cpu");
}

}  // namespace n2s
