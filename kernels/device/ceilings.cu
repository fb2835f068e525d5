// Measures a GPU's arithmetic and bandwidth ceilings with kernels that do nothing else.
#include "kernels/device/ceilings.h"

#include <mma.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "kernels/device/launch.h"
#include "kernels/device/warp_matrix.h"

namespace n2s::device {
namespace {

constexpr int kRuns = 5;
constexpr int kRounds = 4096;
constexpr int kChains = 8;  // independent sums per thread or warp, to hide the latency
constexpr unsigned kThreads = 256;
constexpr unsigned kBlocksPerMultiprocessor = 4;
constexpr std::size_t kCopyBytes = std::size_t{256} << 20;

/// The condition is never true, but the compiler does not know, so it must compute the sums.
template <typename T>
__device__ void keep(T sum, float* sink) {
  if (sum == static_cast<T>(-1)) *sink = static_cast<float>(sum);
}

__global__ void multiply_add_kernel(int rounds, float* sink) {
  float sums[kChains];
#pragma unroll
  for (int i = 0; i < kChains; ++i) sums[i] = static_cast<float>(threadIdx.x + i);
  const float factor = 1.0F / static_cast<float>(blockDim.x);
  for (int round = 0; round < rounds; ++round)
#pragma unroll
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * factor + factor;
  float total = 0;
#pragma unroll
  for (int i = 0; i < kChains; ++i) total += sums[i];
  keep(total, sink);
}
constexpr double kMultiplyAddOperations = 2.0 * kChains;  // per thread and round

__global__ void wmma_kernel(int rounds, float* sink) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums[kChains / 2];
  wmma::fill_fragment(a, __float2half(0.25F));
  wmma::fill_fragment(b, __float2half(0.25F));
#pragma unroll
  for (auto& sum : sums) wmma::fill_fragment(sum, 0.0F);
  for (int round = 0; round < rounds; ++round)
#pragma unroll
    for (auto& sum : sums) wmma::mma_sync(sum, a, b, sum);
  float total = 0;
#pragma unroll
  for (auto& sum : sums) total += sum.x[0];
  keep(total, sink);
}
constexpr double kWmmaOperations = 2.0 * 16 * 16 * 16 * (kChains / 2) / 32;

template <typename T>
__global__ void mma_kernel(int rounds, float* sink) {
  float sums[kChains][4] = {};
  if constexpr (std::is_same_v<T, float>) {
    const float a[4] = {0.25F, 0.25F, 0.25F, 0.25F};
    const float b[2] = {0.25F, 0.25F};
    for (int round = 0; round < rounds; ++round)
#pragma unroll
      for (auto& sum : sums) multiply_16_8_8(sum, a, b);
  } else {
    const std::uint32_t a[4] = {threadIdx.x, 1, 2, 3};  // tiny values
    const std::uint32_t b[2] = {4, 5};
    for (int round = 0; round < rounds; ++round)
#pragma unroll
      for (auto& sum : sums) multiply_16_8_16<T>(sum, a, b);
  }
  float total = 0;
#pragma unroll
  for (auto& sum : sums) total += sum[0];
  keep(total, sink);
}
template <typename T>
constexpr double kMmaOperations = 2.0 * 16 * 8 * (std::is_same_v<T, float> ? 8 : 16) * kChains / 32;

struct EventDeleter {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
using Event = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, EventDeleter>;

Event make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "measuring the GPU");
  return Event(event);
}

struct Free {
  void operator()(void* memory) const { cudaFree(memory); }
};
using Memory = std::unique_ptr<void, Free>;

Memory allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes), "measuring the GPU");
  return Memory(memory);
}

/// Seconds of the fastest of several runs, after one that warms up.
template <typename Work>
double fastest(cudaStream_t stream, const Work& work) {
  const Event start = make_event();
  const Event end = make_event();
  float best = 1e30F;
  for (int run = 0; run <= kRuns; ++run) {
    check(cudaEventRecord(start.get(), stream), "measuring the GPU");
    work();
    check(cudaEventRecord(end.get(), stream), "measuring the GPU");
    check(cudaEventSynchronize(end.get()), "measuring the GPU");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start.get(), end.get()), "measuring the GPU");
    if (run > 0) best = std::min(best, milliseconds);
  }
  return best / 1000.0;
}

struct Arithmetic {
  void (*kernel)(int rounds, float* sink);
  double operations;  // per thread and round
};

Arithmetic arithmetic(Precision precision, int compute_capability) {
  if (precision == Precision::fp32) return {multiply_add_kernel, kMultiplyAddOperations};
  if (precision == Precision::tf32) return {mma_kernel<float>, kMmaOperations<float>};
  if (precision == Precision::bf16) return {mma_kernel<__nv_bfloat16>, kMmaOperations<__nv_bfloat16>};
  if (compute_capability < 80) return {wmma_kernel, kWmmaOperations};
  return {mma_kernel<__half>, kMmaOperations<__half>};
}

}  // namespace

DeviceCeilings measure_ceilings(Precision precision, int compute_capability, cudaStream_t stream) {
  int device = 0;
  int multiprocessors = 0;
  check(cudaGetDevice(&device), "measuring the GPU");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "measuring the GPU");
  multiprocessors = properties.multiProcessorCount;
  const unsigned blocks = kBlocksPerMultiprocessor * static_cast<unsigned>(multiprocessors);

  const Memory sink = allocate(sizeof(float));
  const Arithmetic a = arithmetic(precision, compute_capability);
  const double computing = fastest(stream, [&] {
    launch("measuring the GPU", a.kernel, {dim3(blocks), dim3(kThreads), 0, stream}, kRounds,
           static_cast<float*>(sink.get()));
  });
  const Memory from = allocate(kCopyBytes);
  const Memory to = allocate(kCopyBytes);
  check(cudaMemsetAsync(from.get(), 0, kCopyBytes, stream), "measuring the GPU");
  const double copying = fastest(stream, [&] {
    check(cudaMemcpyAsync(to.get(), from.get(), kCopyBytes, cudaMemcpyDeviceToDevice, stream), "measuring the GPU");
  });
  return {a.operations * kRounds * kThreads * blocks / computing / 1e12, 2.0 * kCopyBytes / copying / 1e9};
}

}  // namespace n2s::device
