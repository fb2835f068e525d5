// The state of the emulated device, shared by the files of the host interface. Work is queued and runs as late as
// possible: when the host waits for it, or when work that is due waits for it. So a missing synchronisation shows.
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

/// A point in a stream: reached when `count` items of its work are done.
struct Point {
  std::shared_ptr<CUstream_st> stream;  // null: always reached
  std::uint64_t count = 0;
};

struct Work {
  std::function<void()> run;  // null: only a wait
  std::vector<Point> after;
};

struct GraphNode {
  std::function<void()> run;
  std::vector<std::size_t> after;  // nodes, numbered in the order of capture; those of the same stream first
};

/// A graph while it is captured, from one or more streams.
struct Capture {
  unsigned long long id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread = std::this_thread::get_id();
  std::vector<std::shared_ptr<CUstream_st>> streams;  // the first one began the capture
  std::vector<GraphNode> nodes;
  bool valid = true;
  bool ended = false;
};

using Functions = std::vector<std::function<void()>>;

}  // namespace n2s::emulation

struct CUstream_st {
  bool blocking = true;  // it and the legacy stream wait for each other
  std::deque<n2s::emulation::Work> queue;
  std::uint64_t submitted = 0, done = 0;
  std::shared_ptr<n2s::emulation::Capture> capture;  // null: not captured
  std::vector<std::size_t> last_nodes;               // predecessors of its next node, while it is captured
};

struct CUevent_st {
  bool timing = true;
  bool recorded = false;
  n2s::emulation::Point point;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;  // when the point was reached
  std::shared_ptr<n2s::emulation::Capture> capture;  // the capture of the last record, if any, and its predecessors:
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
  int compiled_for = 0;  // 70: as if the driver had compiled compute_70 PTX; 0: code for the device itself
  std::size_t memory = std::size_t{8} << 30;
  std::size_t shared_memory = std::size_t{227} << 10;  // per block at most
};

class Runtime {
 public:
  static Runtime& get();

  std::recursive_mutex mutex;
  Device device;
  long calls = 0;
  long calls_to_fault = 0;  // 0: none is due
  cudaError_t fault = cudaSuccess;
  std::string failure;
  bool running = false;  // queued work is running

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

  /// Queues work, or adds it to the graph if the stream is captured. `after`: further points that it waits for.
  cudaError_t submit(cudaStream_t stream, std::function<void()> run, std::vector<Point> after = {});

  /// Runs the work up to a point; true if there was any.
  bool reach(const Point& point);
  bool reach_end(const std::shared_ptr<CUstream_st>& stream);
  void reach_all();

  /// The result of a call that CUDA forbids during capture; invalidates the capture. `always`: in every capture mode.
  cudaError_t refuse_in_capture(bool always = false);

  /// Ends the capture: its streams execute work again.
  void end(const std::shared_ptr<Capture>& capture);

  /// Clears a kernel's failure, and discards all work that was queued then.
  void forget_failure();

  /// Destroys all objects.
  void reset();

 private:
  Runtime() = default;

  void run_next(const std::shared_ptr<CUstream_st>& stream);
  void fail(const char* message);
  void open_memory(bool open) const;
};

/// Sets this thread's last error.
cudaError_t note(cudaError_t error);

enum class CallKind { ordinary, release };

/// One call of the host interface: counts it, makes it fail if a fault is due or a kernel has failed, and stores its
/// error. `call` gets the runtime. Calls that release something do so even when they fail.
template <typename Call>
cudaError_t api_call(Call&& call, CallKind kind = CallKind::ordinary) {
  Runtime& runtime = Runtime::get();
  const std::lock_guard lock(runtime.mutex);
  if (runtime.running) return note(cudaErrorNotPermitted);  // called by a host function in a stream, which CUDA forbids
  cudaError_t forced = runtime.failure.empty() ? cudaSuccess : cudaErrorLaunchFailure;
  if (runtime.device.count == 0) forced = cudaErrorNoDevice;
  ++runtime.calls;
  if (runtime.calls_to_fault > 0 && --runtime.calls_to_fault == 0) forced = runtime.fault;
  if (forced != cudaSuccess && kind == CallKind::ordinary) return note(forced);
  cudaError_t result = call(runtime);
  if (!runtime.failure.empty()) result = cudaErrorLaunchFailure;
  return note(forced != cudaSuccess ? forced : result);
}

}  // namespace n2s::emulation
