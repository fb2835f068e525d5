// Owners of CUDA handles, and a launch into a stream, for the tests of the emulated runtime.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

namespace n2s::test {

struct Stream {
  explicit Stream(unsigned flags = cudaStreamNonBlocking) {
    REQUIRE(cudaStreamCreateWithFlags(&handle, flags) == cudaSuccess);
  }
  ~Stream() { cudaStreamDestroy(handle); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t handle = nullptr;
};

struct Event {
  Event() { REQUIRE(cudaEventCreate(&handle) == cudaSuccess); }
  ~Event() { cudaEventDestroy(handle); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t handle = nullptr;
};

/// Memory that both the host and kernels may touch.
struct Pinned {
  Pinned() {
    REQUIRE(cudaMallocHost(&value, sizeof(int)) == cudaSuccess);
    *value = 0;
  }
  ~Pinned() { cudaFreeHost(value); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  int* value = nullptr;
};

template <typename... Parameters, typename... Arguments>
cudaError_t launch_in(cudaStream_t stream, void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

__global__ inline void set(int* to, int value) {
  *to = value;
}

__global__ inline void append(int* number, int digit) {
  *number = *number * 10 + digit;
}

__global__ inline void copy_value(int* to, const int* from) {
  *to = *from;
}

}  // namespace n2s::test
