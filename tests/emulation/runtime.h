// The state of the emulated device, which the files of the host interface share. Work is queued and done as late as it
// may be: when the host waits for it, or other work that is due does. So what lacks a synchronisation reads too early.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "emulation/host_api.h"

namespace n2s::emulation {

/// A moment in a stream: when so much of its work is done.
struct Point {
  std::shared_ptr<CUstream_st> stream;  // null: the beginning of time
  std::uint64_t count = 0;
};

struct Work {
  std::function<void()> run;  // null: only waits
  std::vector<Point> after;
};

struct GraphNode {
  std::function<void()> run;
  std::vector<std::size_t> after;  // nodes, numbered in the order of capture; those of the same stream first
};

/// A graph while it is recorded, from one or more streams.
struct Capture {
  unsigned long long id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread = std::this_thread::get_id();
  std::vector<std::shared_ptr<CUstream_st>> streams;  // the first began it
  std::vector<GraphNode> nodes;
  bool valid = true;
  bool ended = false;
};

using Functions = std::vector<std::function<void()>>;

}  // namespace n2s::emulation

struct CUstream_st {
  bool blocking = true;  // the legacy stream waits for it, and it for that one
  std::deque<n2s::emulation::Work> queue;
  std::uint64_t submitted = 0, done = 0;
  std::shared_ptr<n2s::emulation::Capture> capture;  // null: executes
  std::vector<std::size_t> last_nodes;               // what its next node comes after, while it is captured
};

struct CUevent_st {
  bool timing = true;
  bool recorded = false;
  n2s::emulation::Point point;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;  // when the point was reached
  std::shared_ptr<n2s::emulation::Capture> capture;  // where it was last recorded, if in one, and after these:
  std::vector<std::size_t> nodes;
};

struct CUgraph_st {
  n2s::emulation::Functions nodes;  // in an order that respects what waits for what
};

struct CUgraphExec_st {
  std::shared_ptr<const n2s::emulation::Functions> nodes;
};

namespace n2s::emulation {

inline constexpr std::size_t kMemoryAlignment = 256;

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
  bool running = false;  // work, now

  std::map<std::byte*, Allocation> allocations;
  std::size_t allocated = 0, peak = 0;                         // device memory in bytes
  std::unordered_map<const void*, std::size_t> shared_limits;  // of kernels, where set
  std::shared_ptr<CUstream_st> legacy = std::make_shared<CUstream_st>();
  std::map<cudaStream_t, std::shared_ptr<CUstream_st>> streams;
  std::unordered_map<cudaEvent_t, std::unique_ptr<CUevent_st>> events;
  std::unordered_map<cudaGraph_t, std::unique_ptr<CUgraph_st>> graphs;
  std::unordered_map<cudaGraphExec_t, std::unique_ptr<CUgraphExec_st>> executables;
  std::vector<std::shared_ptr<Capture>> captures;
  unsigned long long last_capture_id = 0;

  /// Null when there is no such stream.
  std::shared_ptr<CUstream_st> find(cudaStream_t stream) const;

  /// Queues work, or records it where the stream is captured. `after`: what it waits for besides.
  cudaError_t submit(cudaStream_t stream, std::function<void()> run, std::vector<Point> after = {});

  /// Does the work up to a moment; true when some was left to do.
  bool reach(const Point& point);
  bool reach_end(const std::shared_ptr<CUstream_st>& stream);
  void reach_all();

  /// What calls return that CUDA forbids while a graph is captured; spoils the capture. `always`: in every mode.
  cudaError_t refuse_in_capture(bool always = false);

  /// The capture's streams execute again what they are given.
  void end(const std::shared_ptr<Capture>& capture);

  /// Forgets a kernel's failure, and all work that was left undone then.
  void forget_failure();

  /// Destroys all that is alive.
  void reset();

 private:
  Runtime() = default;

  void run_next(const std::shared_ptr<CUstream_st>& stream);
  void fail(const char* message);
  void open_memory(bool open) const;
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
  if (runtime.running) return note(cudaErrorNotPermitted);  // a host function in a stream must not call CUDA
  cudaError_t forced = runtime.failure.empty() ? cudaSuccess : cudaErrorLaunchFailure;
  if (runtime.device.count == 0) forced = cudaErrorNoDevice;
  ++runtime.calls;
  if (runtime.calls_to_fault > 0 && --runtime.calls_to_fault == 0) forced = runtime.fault;
  if (forced != cudaSuccess && kind == CallKind::plain) return note(forced);
  cudaError_t result = call(runtime);
  if (!runtime.failure.empty()) result = cudaErrorLaunchFailure;
  return note(forced != cudaSuccess ? forced : result);
}

}  // namespace n2s::emulation
