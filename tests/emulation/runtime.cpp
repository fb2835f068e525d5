// The emulated device: its settings, counters and last error.
#include "tests/emulation/runtime.h"

#include <new>
#include <utility>

#include "emulation/control.h"

namespace n2s::emulation {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

}  // namespace

Runtime& Runtime::get() {
  static Runtime runtime;
  return runtime;
}

void Runtime::reset() {
  for (const auto& [memory, allocation] : allocations) ::operator delete (memory, std::align_val_t{kMemoryAlignment});
  allocations.clear();
  allocated = 0;
  shared_limits.clear();
  legacy = std::make_shared<CUstream_st>();
  streams.clear();
  events.clear();
  graphs.clear();
  executables.clear();
  captures.clear();
  failure.clear();
}

cudaError_t note(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void set_compute_capability(int major, int minor) {
  Device& device = Runtime::get().device;
  device.major = major;
  device.minor = minor;
  const int generation = 10 * major + minor;
  std::size_t kibibytes = 48;
  if (generation >= 70) kibibytes = 96;
  if (generation == 75) kibibytes = 64;
  if (generation >= 80) kibibytes = generation == 86 || generation == 89 || generation >= 120 ? 99 : 163;
  if (generation >= 90 && generation < 120) kibibytes = 227;
  device.shared_memory = kibibytes << 10;
}

void set_compiled_for(int compute_capability) {
  Runtime::get().device.compiled_for = compute_capability;
}

void set_device_count(int count) {
  Runtime::get().device.count = count;
}

void set_memory_limit(std::size_t bytes) {
  Runtime::get().device.memory = bytes;
}

void fail_call(long n, cudaError_t error) {
  Runtime::get().calls_to_fault = n;
  Runtime::get().fault = error;
}

long calls() {
  return Runtime::get().calls;
}

std::size_t live_objects() {
  const Runtime& runtime = Runtime::get();
  return runtime.allocations.size() + runtime.streams.size() + runtime.events.size() + runtime.graphs.size() +
         runtime.executables.size();
}

std::size_t bytes_allocated() {
  return Runtime::get().allocated;
}

std::size_t peak_bytes() {
  return Runtime::get().peak;
}

void reset_peak() {
  Runtime::get().peak = Runtime::get().allocated;
}

std::string last_failure() {
  return Runtime::get().failure;
}

void forget_failure() {
  Runtime::get().forget_failure();
  last_error = cudaSuccess;
}

}  // namespace n2s::emulation

using n2s::emulation::last_error;
using n2s::emulation::Runtime;

cudaError_t cudaGetLastError() {
  return std::exchange(last_error, cudaSuccess);
}

cudaError_t cudaPeekAtLastError() {
  return last_error;
}

cudaError_t cudaDeviceReset() {
  const std::lock_guard lock(Runtime::get().mutex);
  Runtime::get().reset();
  last_error = cudaSuccess;
  return cudaSuccess;
}
