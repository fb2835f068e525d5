// Mean squared error on a GPU: each block reduces a chunk to a partial sum, one block reduces these. In double
// precision and fixed order, so results are the same from run to run.
#include "kernels/base/error.h"
#include "kernels/device/block_sums.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"
#include "kernels/device/shared_memory.h"
#include "kernels/mse/cuda.h"

namespace n2s::device {
namespace {

constexpr std::size_t kChunk = 4096;  // elements per block

template <typename T>
struct ErrorArguments {
  const T* prediction = nullptr;
  const T* target = nullptr;
  T* gradient = nullptr;
  const float* scale = nullptr;
  std::size_t stored = 0;  // elements with padding, whose difference is 0
  double elements = 0;
  double* partial_sums = nullptr;  // one per block
};

template <typename T>
__global__ void error_kernel(const ErrorArguments<T> a) {
  const float scale = static_cast<float>(2.0 / a.elements) * (a.scale != nullptr ? *a.scale : 1.0F);
  double sum[1]{};
  const std::size_t begin = blockIdx.x * kChunk;
  for (std::size_t i = begin + threadIdx.x; i < begin + kChunk && i < a.stored; i += kGridThreads) {
    const float difference = to_float(a.prediction[i]) - to_float(a.target[i]);
    sum[0] += static_cast<double>(difference) * static_cast<double>(difference);
    if (a.gradient != nullptr) a.gradient[i] = from_float<T>(scale * difference);
  }
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) a.partial_sums[blockIdx.x] = sum[0];
}

__global__ void loss_kernel(const double* partial_sums, std::size_t count, double elements, double* loss) {
  double sum[1]{};
  for (std::size_t i = threadIdx.x; i < count; i += kGridThreads) sum[0] += partial_sums[i];
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) *loss = sum[0] / elements;
}

std::size_t blocks_of(const Shape& shape) {
  return (elements_of(shape) + kChunk - 1) / kChunk;
}

}  // namespace

std::size_t mean_squared_error_scratch_bytes(const Shape& shape) {
  return blocks_of(shape) * sizeof(double);
}

void mean_squared_error(const DeviceMeanSquaredError& p, Precision precision, void* scratch, cudaStream_t stream) {
  const Shape& shape = p.prediction.shape;
  if (shape.elements() == 0 || shape != p.target.shape || (p.gradient && p.gradient.shape != shape))
    throw Error("mean squared error: the shapes do not fit together");
  const auto elements = static_cast<double>(shape.elements());
  auto* partial_sums = static_cast<double*>(scratch);
  constexpr std::size_t kShared = block_sums_bytes(1);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    ErrorArguments<T> a;
    a.prediction = static_cast<const T*>(p.prediction.data);
    a.target = static_cast<const T*>(p.target.data);
    a.gradient = static_cast<T*>(p.gradient.data);
    a.scale = p.scale;
    a.stored = elements_of(shape);
    a.elements = elements;
    a.partial_sums = partial_sums;
    launch("mean squared error", error_kernel<T>,
           {dim3(static_cast<unsigned>(blocks_of(shape))), dim3(kGridThreads), kShared, stream}, a);
  });
  launch("mean squared error, sum", loss_kernel, {dim3(1), dim3(kGridThreads), kShared, stream},
         static_cast<const double*>(partial_sums), blocks_of(shape), elements, p.loss);
}

}  // namespace n2s::device
