// The state of the emulated device, which the files of the host interface share.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "emulation/host_api.h"

struct CUstream_st {
  bool blocking = true;  // does the legacy stream wait for it, and it for that one?
};

struct CUevent_st {
  bool timing = true;
};

namespace n2s::emulation {

struct Allocation {
  std::size_t bytes = 0;
  bool on_device = true;
};

struct Device {
  int count = 1;
  int major = 8, minor = 0;
  std::size_t memory = std::size_t{8} << 30;
  std::size_t shared_memory = std::size_t{227} << 10;  // that a block can ask for
};

class Runtime {
 public:
  static Runtime& get();

  std::recursive_mutex mutex;
  Device device;
  long calls = 0;
  long calls_to_fault = 0;  // 0: no fault to come
  cudaError_t fault = cudaSuccess;
  std::string failure;

  std::map<std::byte*, Allocation> allocations;
  std::size_t allocated = 0, peak = 0;                         // device memory in bytes
  std::unordered_map<const void*, std::size_t> shared_limits;  // of kernels, where set
  std::unordered_map<cudaStream_t, std::unique_ptr<CUstream_st>> streams;
  std::unordered_map<cudaEvent_t, std::unique_ptr<CUevent_st>> events;

  /// Puts work into a stream's queue.
  cudaError_t submit(cudaStream_t stream, std::function<void()> work);

 private:
  Runtime() = default;
};

/// Sets this thread's last error.
cudaError_t note(cudaError_t error);

enum class CallKind { plain, release };

/// One call of the interface: counts it, lets it fail where a fault is due or a kernel has failed, and notes its error.
/// `call` gets the runtime. One that releases something does so in any case.
template <typename Call>
cudaError_t api_call(Call&& call, CallKind kind = CallKind::plain) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  cudaError_t forced = runtime.failure.empty() ? cudaSuccess : cudaErrorLaunchFailure;
  if (runtime.device.count == 0) forced = cudaErrorNoDevice;
  ++runtime.calls;
  if (runtime.calls_to_fault > 0 && --runtime.calls_to_fault == 0) forced = runtime.fault;
  if (forced != cudaSuccess && kind == CallKind::plain) return note(forced);
  const cudaError_t result = call(runtime);
  return note(forced != cudaSuccess ? forced : result);
}

}  // namespace n2s::emulation
