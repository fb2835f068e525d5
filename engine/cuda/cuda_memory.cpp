// Allocates, copies and waits, with errors that say what was being done and how much memory was free.
#include "engine/cuda/cuda_memory.h"

#include <fmt/format.h>

#include "kernels/base/error.h"
#include "kernels/device/check.h"

namespace n2s {

CudaStream cuda_stream() {
  cudaStream_t stream = nullptr;
  device::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  return CudaStream(stream);
}

CudaEvent cuda_event() {
  cudaEvent_t event = nullptr;
  device::check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
  return CudaEvent(event);
}

void cuda_wait(cudaStream_t stream, const char* what) {
  const cudaError_t result = cudaStreamSynchronize(stream);
  if (result != cudaSuccess) cudaDeviceSynchronize();
  device::check(result, what);
}

void cuda_upload(void* to, std::span<const std::byte> from, cudaStream_t stream, const char* what) {
  device::check(cudaMemcpyAsync(to, from.data(), from.size(), cudaMemcpyHostToDevice, stream), what);
  cuda_wait(stream, what);
}

void cuda_download(std::span<std::byte> to, const void* from, cudaStream_t stream, const char* what) {
  device::check(cudaMemcpyAsync(to.data(), from, to.size(), cudaMemcpyDeviceToHost, stream), what);
  cuda_wait(stream, what);
}

std::string memory_shortage(std::size_t needed, std::size_t free) {
  constexpr double kGiB = 1 << 30;
  return fmt::format("out of GPU memory: cannot allocate {:.2f} GiB (free: {:.2f} GiB)",
                     static_cast<double>(needed) / kGiB, static_cast<double>(free) / kGiB);
}

std::byte* cuda_allocate(std::size_t bytes) {
  void* data = nullptr;
  const cudaError_t result = cudaMalloc(&data, bytes > 0 ? bytes : 1);
  if (result == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0;
    std::size_t total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) free = 0;
    throw Error(memory_shortage(bytes, free) + "; use a smaller --batch, --crop or --tile");
  }
  device::check(result, "allocating GPU memory");
  return static_cast<std::byte*>(data);
}

std::byte* pinned_allocate(std::size_t bytes) {
  void* data = nullptr;
  device::check(cudaMallocHost(&data, bytes > 0 ? bytes : 1), "allocating pinned memory");
  return static_cast<std::byte*>(data);
}

}  // namespace n2s
