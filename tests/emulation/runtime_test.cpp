// The emulated runtime: that work is done late and in order, faults, and what stays
// alive.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/emulation/launch_helpers.h"
#include "tests/emulation/runtime_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

__global__ void end_early() {
  if (threadIdx.x == 1) __syncthreads();
}

}  // namespace

TEST_CASE("work is done when the host waits for it, no sooner") {
  const Stream stream;
  const Pinned p;
  CHECK(launch_in(stream.handle, append, p.value, 1) == cudaSuccess);
  CHECK(launch_in(stream.handle, append, p.value, 2) == cudaSuccess);
  CHECK(*p.value == 0);
  CHECK(cudaStreamSynchronize(nullptr) == cudaSuccess);  // another stream
  CHECK(*p.value == 0);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(*p.value == 12);
  launch_in(stream.handle, append, p.value, 3);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(*p.value == 123);
  launch_in(stream.handle, append, p.value, 4);
  CHECK(cudaStreamQuery(stream.handle) == cudaErrorNotReady);
  CHECK(cudaStreamQuery(stream.handle) == cudaSuccess);
  CHECK(*p.value == 1234);
}

TEST_CASE("events order streams, and only events do") {
  const Stream first, second;
  const Event event;
  const Pinned p, q;
  launch_in(first.handle, set, p.value, 1);
  launch_in(second.handle, copy_value, q.value, p.value);
  cudaStreamSynchronize(second.handle);
  CHECK(*q.value == 0);                                // nothing waited
  CHECK(cudaEventQuery(event.handle) == cudaSuccess);  // never recorded
  launch_in(first.handle, set, p.value, 2);
  CHECK(cudaEventRecord(event.handle, first.handle) == cudaSuccess);
  launch_in(first.handle, set, p.value, 3);
  CHECK(cudaStreamWaitEvent(second.handle, event.handle) == cudaSuccess);
  launch_in(second.handle, copy_value, q.value, p.value);
  cudaStreamSynchronize(second.handle);
  CHECK(*q.value == 2);
  CHECK(cudaEventQuery(event.handle) == cudaSuccess);
  cudaStreamSynchronize(first.handle);
  CHECK(*p.value == 3);

  const Event end;
  launch_in(first.handle, set, p.value, 4);
  CHECK(cudaEventRecord(end.handle, first.handle) == cudaSuccess);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, event.handle, end.handle) == cudaErrorNotReady);
  CHECK(cudaEventSynchronize(end.handle) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&milliseconds, event.handle, end.handle) == cudaSuccess);
  CHECK(milliseconds >= 0);
  cudaGetLastError();
}

TEST_CASE("the legacy stream and blocking streams wait for each other") {
  const Stream blocking(cudaStreamDefault), other;
  const Pinned p, q;
  launch_in(blocking.handle, append, p.value, 1);
  launch_in(nullptr, append, p.value, 2);
  launch_in(blocking.handle, append, p.value, 3);
  launch_in(other.handle, append, q.value, 1);
  cudaStreamSynchronize(blocking.handle);
  CHECK(*p.value == 123);
  CHECK(*q.value == 0);
}

TEST_CASE("copies and fills, in two dimensions too") {
  const std::vector<int> source{1, 2, 3, 4, 5, 6};
  const Buffer<int> buffer(12);
  CHECK(buffer.values() == std::vector<int>(12, -1));
  CHECK(cudaMemset(buffer.data, 0, 48) == cudaSuccess);
  CHECK(cudaMemcpy2DAsync(buffer.data, 24, source.data(), 12, 12, 2, cudaMemcpyHostToDevice) == cudaSuccess);
  CHECK(buffer.values() == std::vector<int>{1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0});
  std::vector<int> out(6);
  CHECK(cudaMemcpy(out.data(), buffer.data + 7, 24, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(out.data(), source.data(), 24, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(out.data(), buffer.data, 24, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy2D(out.data(), 4, buffer.data, 8, 8, 1, cudaMemcpyDeviceToHost) == cudaErrorInvalidPitchValue);
  CHECK(cudaMemset(buffer.data, 0, 49) == cudaErrorInvalidValue);
  CHECK(cudaFree(out.data()) == cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST_CASE("memory is limited and counted") {
  const std::size_t before = emulation::bytes_allocated();
  emulation::set_memory_limit(before + 1000);
  emulation::reset_peak();
  std::byte *first = nullptr, *second = nullptr;
  CHECK(cudaMalloc(&first, 700) == cudaSuccess);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % 256 == 0);
  CHECK(cudaMalloc(&second, 301) == cudaErrorMemoryAllocation);
  CHECK(second == nullptr);
  std::size_t free = 0, total = 0;
  CHECK(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 300);
  CHECK(total == before + 1000);
  CHECK(cudaMalloc(&second, 300) == cudaSuccess);
  CHECK(emulation::bytes_allocated() == before + 1000);
  CHECK(cudaFree(first) == cudaSuccess);
  CHECK(cudaFree(second) == cudaSuccess);
  CHECK(emulation::bytes_allocated() == before);
  CHECK(emulation::peak_bytes() == before + 1000);
  CHECK(cudaFree(nullptr) == cudaSuccess);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  emulation::set_memory_limit(std::size_t{8} << 30);
}

TEST_CASE("host functions run in order and must not call CUDA") {
  const Stream stream;
  const Pinned p;
  struct Seen {
    int* value;
    int then = 0;
    cudaError_t result = cudaSuccess;
  } seen{p.value};
  launch_in(stream.handle, set, p.value, 3);
  const cudaHostFn_t look = [](void* data) {
    auto& to = *static_cast<Seen*>(data);
    to.then = *to.value;
    to.result = cudaDeviceSynchronize();
  };
  CHECK(cudaLaunchHostFunc(stream.handle, look, &seen) == cudaSuccess);
  launch_in(stream.handle, set, p.value, 4);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(seen.then == 3);
  CHECK(seen.result == cudaErrorNotPermitted);
  cudaGetLastError();
}

TEST_CASE("a failed kernel stops all work that comes after it") {
  const Stream stream;
  const Pinned p;
  cudaLaunchConfig_t config{};
  config.blockDim = 2;
  config.stream = stream.handle;
  CHECK(cudaLaunchKernelEx(&config, end_early) == cudaSuccess);
  CHECK(launch_in(stream.handle, set, p.value, 1) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaErrorLaunchFailure);
  CHECK(launch_in(nullptr, set, p.value, 1) == cudaErrorLaunchFailure);
  CHECK(contains(emulation::last_failure(), "1 of 2 threads wait in __syncthreads"));
  emulation::forget_failure();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(*p.value == 0);
}

namespace {

/// A call for each thing a program does; stops at the first error, frees what it has, and gives the error.
cudaError_t small_program() {
  int* memory = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  int result = 0;
  bool capturing = false;
  const std::vector<std::function<cudaError_t()>> steps{
      [&] { return cudaMalloc(&memory, sizeof(int)); },
      [&] { return cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking); },
      [&] { return cudaEventCreate(&event); },
      [&] { return cudaMemsetAsync(memory, 0, sizeof(int), stream); },
      [&] { return cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal); },
      [&] {
        capturing = true;
        return launch_in(stream, append, memory, 4);
      },
      [&] {
        capturing = false;
        return cudaStreamEndCapture(stream, &graph);
      },
      [&] { return cudaGraphInstantiate(&executable, graph); },
      [&] { return cudaGraphLaunch(executable, stream); },
      [&] { return cudaEventRecord(event, stream); },
      [&] { return cudaEventSynchronize(event); },
      [&] { return cudaMemcpy(&result, memory, sizeof(int), cudaMemcpyDeviceToHost); },
  };
  cudaError_t error = cudaSuccess;
  for (std::size_t i = 0; i < steps.size() && error == cudaSuccess; ++i) error = steps[i]();
  if (capturing) cudaStreamEndCapture(stream, &graph);
  if (error == cudaSuccess) CHECK(result == 4);
  for (const cudaError_t freed : {graph == nullptr ? cudaSuccess : cudaGraphDestroy(graph),
                                  executable == nullptr ? cudaSuccess : cudaGraphExecDestroy(executable),
                                  event == nullptr ? cudaSuccess : cudaEventDestroy(event),
                                  stream == nullptr ? cudaSuccess : cudaStreamDestroy(stream), cudaFree(memory)})
    if (error == cudaSuccess) error = freed;
  return error;
}

}  // namespace

TEST_CASE("any call can be made to fail, and freeing frees all the same") {
  const std::size_t alive = emulation::live_objects();
  const long before = emulation::calls();
  REQUIRE(small_program() == cudaSuccess);
  const long all = emulation::calls() - before;
  CHECK(all == 17);
  for (long n = 1; n <= all; ++n) {
    emulation::fail_call(n, cudaErrorUnknown);
    CHECK(small_program() == cudaErrorUnknown);
    CHECK(emulation::live_objects() == alive);
  }
  CHECK(small_program() == cudaSuccess);  // each fault comes once
  CHECK(cudaGetLastError() == cudaErrorUnknown);
}

TEST_CASE("the device is what it was set to be") {
  cudaDeviceProp properties{};
  int count = 0, value = 0;
  CHECK(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
  CHECK(std::string(properties.name) == "emulated GPU");
  CHECK(properties.sharedMemPerBlockOptin == 232448);
  emulation::set_compute_capability(7, 0);
  CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess);
  CHECK(value == 7);
  CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess);
  CHECK(value == 96 * 1024);
  CHECK(cudaFuncSetAttribute(set, cudaFuncAttributeMaxDynamicSharedMemorySize, 97 * 1024) == cudaErrorInvalidValue);
  emulation::set_compute_capability(9, 0);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  emulation::set_device_count(0);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice);
  CHECK(count == 0);
  emulation::set_device_count(1);
  emulation::set_compute_capability(9, 0);
  int blocks = 0;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, set, 256, 40000) == cudaSuccess);
  CHECK(blocks == 5);
  CHECK(std::string(cudaGetErrorName(cudaErrorNoDevice)) == "cudaErrorNoDevice");
  CHECK(std::string(cudaGetErrorString(cudaErrorMemoryAllocation)) == "out of memory");
  cudaGetLastError();
}
