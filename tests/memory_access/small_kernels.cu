// Small kernels, each in a correct version and with one mistake (small_kernels.h).
#include "tests/memory_access/small_kernels.h"

#include "kernels/device/async_copy.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::test {
namespace {

constexpr unsigned kThreads = 64;

__global__ void write_then_read_kernel(bool correct, float* out) {
  auto* values = device::shared_memory<float>();
  values[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (correct) __syncthreads();
  out[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

__global__ void write_then_read_in_warp_kernel(bool correct, float* out) {
  auto* values = device::shared_memory<float>();
  values[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (correct)
    __syncwarp();
  else
    __shfl_sync(0xFFFFFFFFU, 0, 0);  // the lanes meet, but memory is not ordered
  out[threadIdx.x] = values[threadIdx.x ^ 1U];
}

/// One barrier a step is enough for two buffers, not for one.
__global__ void double_buffer_kernel(bool correct, float* out) {
  auto* values = device::shared_memory<float>();
  float sum = 0;
  for (unsigned step = 0; step < 4; ++step) {
    float* buffer = values + (correct ? step % 2 * kThreads : 0);
    buffer[threadIdx.x] = static_cast<float>(step);
    __syncthreads();
    sum += buffer[kThreads - 1 - threadIdx.x];
  }
  out[threadIdx.x] = sum;
}

/// Pairs of lanes meet; their reads stay within the pair, or do not.
__global__ void some_lanes_kernel(bool correct, float* out) {
  auto* values = device::shared_memory<float>();
  values[threadIdx.x] = 1;
  __syncwarp(3U << (threadIdx.x % 32 & ~1U));
  out[threadIdx.x] = values[threadIdx.x ^ (correct ? 1U : 2U)];
}

/// Threads write bytes side by side, or the same one as their neighbour.
__global__ void neighbouring_bytes_kernel(bool correct, float* out) {
  auto* values = device::shared_memory<unsigned char>();
  values[correct ? threadIdx.x : threadIdx.x / 2] = 1;
  out[threadIdx.x] = 0;
}

__global__ void wait_for_copy_kernel(bool correct, const float* in, float* out) {
  auto* values = device::shared_memory<float>();
  if (threadIdx.x < kThreads / 4) device::copy_async(values + 4 * threadIdx.x, in + 4 * threadIdx.x, true);
  device::commit_copies();
  if (correct) device::wait_copies<0>();
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

__global__ void read_apart_kernel(int stride, float* out) {
  const auto* values = device::shared_memory<float>();
  out[threadIdx.x] = values[static_cast<int>(threadIdx.x) * stride];
}

device::LaunchShape shape(unsigned threads = kThreads) {
  return {dim3(1), dim3(threads), 32 * 33 * sizeof(float), nullptr};
}

}  // namespace

void write_then_read(bool correct, float* out) {
  device::launch("test", write_then_read_kernel, shape(), correct, out);
}
void write_then_read_in_warp(bool correct, float* out) {
  device::launch("test", write_then_read_in_warp_kernel, shape(), correct, out);
}
void double_buffer(bool correct, float* out) {
  device::launch("test", double_buffer_kernel, shape(), correct, out);
}
void some_lanes(bool correct, float* out) {
  device::launch("test", some_lanes_kernel, shape(), correct, out);
}
void neighbouring_bytes(bool correct, float* out) {
  device::launch("test", neighbouring_bytes_kernel, shape(), correct, out);
}
void wait_for_copy(bool correct, const float* in, float* out) {
  device::launch("test", wait_for_copy_kernel, shape(), correct, in, out);
}
void read_apart(int stride, float* out) {
  device::launch("test", read_apart_kernel, shape(32), stride, out);
}

}  // namespace n2s::test
