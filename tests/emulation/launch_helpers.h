// Device memory and launches for the tests of the emulation.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace n2s::test {

/// Device memory for as long as it lives.
template <typename T>
struct Buffer {
  explicit Buffer(std::size_t count) : size(count) { REQUIRE(cudaMalloc(&data, count * sizeof(T)) == cudaSuccess); }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    REQUIRE(cudaMemcpy(data, values.data(), size * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  ~Buffer() { cudaFree(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::vector<T> values() const {
    std::vector<T> result(size);
    REQUIRE(cudaMemcpy(result.data(), data, size * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return result;
  }

  T* data = nullptr;
  std::size_t size;
};

template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
                   Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The message with which one block of the kernel fails, with 4 KiB of shared memory; empty if it does not. The device
/// is usable afterwards.
template <typename... Parameters, typename... Arguments>
std::string failure_of(void (*kernel)(Parameters...), dim3 block, Arguments... arguments) {
  launch(kernel, 1, block, 4096, arguments...);
  const cudaError_t result = cudaDeviceSynchronize();
  std::string text = emulation::last_failure();
  CHECK(result == (text.empty() ? cudaSuccess : cudaErrorLaunchFailure));
  CHECK(cudaGetLastError() == result);
  emulation::forget_failure();
  return text;
}

}  // namespace n2s::test
