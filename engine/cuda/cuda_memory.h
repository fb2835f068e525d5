// RAII owners of CUDA resources (memory, streams, events, graphs); move-only.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

namespace n2s {

struct CudaStreamDeleter {
  void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
};
struct CudaEventDeleter {
  void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
};
struct CudaGraphDeleter {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
struct CudaGraphExecDeleter {
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};
struct CudaFree {
  void operator()(void* data) const { cudaFree(data); }
};
struct CudaFreeHost {
  void operator()(void* data) const { cudaFreeHost(data); }
};

using CudaStream = std::unique_ptr<std::remove_pointer_t<cudaStream_t>, CudaStreamDeleter>;
using CudaEvent = std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, CudaEventDeleter>;
using CudaGraph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, CudaGraphDeleter>;
using CudaGraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, CudaGraphExecDeleter>;
template <typename T>
using CudaArray = std::unique_ptr<T[], CudaFree>;
template <typename T>
using PinnedArray = std::unique_ptr<T[], CudaFreeHost>;

/// A stream that does not wait for the legacy one; an event without timing. Throw Error.
CudaStream cuda_stream();
CudaEvent cuda_event();

/// Waits for the stream's work. Throws Error when it has failed; even then no copy still uses host memory.
void cuda_wait(cudaStream_t stream, const char* what);

/// Copies and waits.
void cuda_upload(void* to, std::span<const std::byte> from, cudaStream_t stream, const char* what);
void cuda_download(std::span<std::byte> to, const void* from, cudaStream_t stream, const char* what);

/// "out of GPU memory: cannot allocate 1.50 GiB (free: 0.20 GiB)"; both in bytes.
std::string memory_shortage(std::size_t needed, std::size_t free);

/// Throw Error with the size where there is not enough memory.
std::byte* cuda_allocate(std::size_t bytes);
std::byte* pinned_allocate(std::size_t bytes);

template <typename T>
CudaArray<T> cuda_array(std::size_t count) {
  return CudaArray<T>(reinterpret_cast<T*>(cuda_allocate(count * sizeof(T))));  // NOLINT: aligned for any type
}
template <typename T>
PinnedArray<T> pinned_array(std::size_t count) {
  return PinnedArray<T>(reinterpret_cast<T*>(pinned_allocate(count * sizeof(T))));  // NOLINT: aligned for any type
}

}  // namespace n2s
