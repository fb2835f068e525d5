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
  const double* targets = nullptr;  // how many targets are not NaN; null: all elements count
  double* partial_sums = nullptr;   // one per block
};

/// What the sum is divided by.
__device__ double divisor(double elements, const double* targets) {
  return targets != nullptr ? fmax(*targets, 1.0) : elements;
}

template <typename T>
__global__ void error_kernel(const ErrorArguments<T> a) {
  const float scale = static_cast<float>(2.0 / divisor(a.elements, a.targets)) * (a.scale != nullptr ? *a.scale : 1.0F);
  double sum[1]{};
  const std::size_t begin = blockIdx.x * kChunk;
  for (std::size_t i = begin + threadIdx.x; i < begin + kChunk && i < a.stored; i += kGridThreads) {
    const float target = to_float(a.target[i]);
    const bool counts = a.targets == nullptr || !isnan(target);
    const float difference = counts ? to_float(a.prediction[i]) - target : 0.0F;
    sum[0] += static_cast<double>(difference) * static_cast<double>(difference);
    if (a.gradient != nullptr) a.gradient[i] = from_float<T>(scale * difference);
  }
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) a.partial_sums[blockIdx.x] = sum[0];
}

/// One partial sum of NaN per block.
template <typename T>
__global__ void count_kernel(const T* target, std::size_t stored, double* partial_sums) {
  double sum[1]{};
  const std::size_t begin = blockIdx.x * kChunk;
  for (std::size_t i = begin + threadIdx.x; i < begin + kChunk && i < stored; i += kGridThreads)
    sum[0] += isnan(to_float(target[i])) ? 1 : 0;
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) partial_sums[blockIdx.x] = sum[0];
}

__global__ void targets_kernel(const double* partial_sums, std::size_t count, double elements, double* targets) {
  double sum[1]{};
  for (std::size_t i = threadIdx.x; i < count; i += kGridThreads) sum[0] += partial_sums[i];
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) *targets = elements - sum[0];
}

__global__ void loss_kernel(const double* partial_sums, std::size_t count, double elements, const double* targets,
                            double* loss) {
  double sum[1]{};
  for (std::size_t i = threadIdx.x; i < count; i += kGridThreads) sum[0] += partial_sums[i];
  block_sums(shared_memory<double>(), sum);
  if (threadIdx.x == 0) *loss = sum[0] / divisor(elements, targets);
}

std::size_t blocks_of(const Shape& shape) {
  return (elements_of(shape) + kChunk - 1) / kChunk;
}

}  // namespace

std::size_t mean_squared_error_scratch_bytes(const Shape& shape) {
  return (blocks_of(shape) + 1) * sizeof(double);  // the last one: how many targets there are
}

void mean_squared_error(const DeviceMeanSquaredError& p, Precision precision, void* scratch, cudaStream_t stream) {
  const Shape& shape = p.prediction.shape;
  if (shape.elements() == 0 || shape != p.target.shape || (p.gradient && p.gradient.shape != shape))
    throw Error("mean squared error: the shapes do not fit together");
  const auto elements = static_cast<double>(shape.elements());
  auto* partial_sums = static_cast<double*>(scratch);
  double* targets = p.is_masked ? partial_sums + blocks_of(shape) : nullptr;
  constexpr std::size_t kShared = block_sums_bytes(1);
  const LaunchShape one_block{dim3(1), dim3(kGridThreads), kShared, stream};
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    ErrorArguments<T> a;
    a.prediction = static_cast<const T*>(p.prediction.data);
    a.target = static_cast<const T*>(p.target.data);
    a.gradient = static_cast<T*>(p.gradient.data);
    a.scale = p.scale;
    a.stored = elements_of(shape);
    a.elements = elements;
    a.targets = targets;
    a.partial_sums = partial_sums;
    if (p.is_masked) {
      launch("counting targets", count_kernel<T>,
             {dim3(static_cast<unsigned>(blocks_of(shape))), dim3(kGridThreads), kShared, stream}, a.target, a.stored,
             partial_sums);
      launch("counting targets, sum", targets_kernel, one_block, static_cast<const double*>(partial_sums),
             blocks_of(shape), elements, targets);
    }
    launch("mean squared error", error_kernel<T>,
           {dim3(static_cast<unsigned>(blocks_of(shape))), dim3(kGridThreads), kShared, stream}, a);
  });
  launch("mean squared error, sum", loss_kernel, one_block, static_cast<const double*>(partial_sums), blocks_of(shape),
         elements, static_cast<const double*>(targets), p.loss);
}

}  // namespace n2s::device
