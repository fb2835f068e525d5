// The queues of the emulated device: work runs as late as possible, and in order within each stream.
#include <cstdio>
#include <utility>

#include "tests/emulation/runtime.h"
#include "tests/emulation/sanitizer.h"

namespace n2s::emulation {
namespace {

bool pending(const CUstream_st& stream) {
  return stream.done < stream.submitted;
}

Point end_of(const std::shared_ptr<CUstream_st>& stream) {
  return {stream, stream->submitted};
}

}  // namespace

std::shared_ptr<CUstream_st> Runtime::find(cudaStream_t stream) const {
  if (stream == nullptr || stream == cudaStreamLegacy) return legacy;
  const auto found = streams.find(stream);
  return found == streams.end() ? nullptr : found->second;
}

cudaError_t Runtime::submit(cudaStream_t handle, std::function<void()> run, std::vector<Point> after) {
  const std::shared_ptr<CUstream_st> stream = find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (Capture* capture = stream->capture.get(); capture != nullptr) {
    if (!capture->valid) return cudaErrorStreamCaptureInvalidated;
    capture->nodes.push_back({std::move(run), stream->last_nodes});
    stream->last_nodes = {capture->nodes.size() - 1};
    return cudaSuccess;
  }
  if (stream == legacy) {
    for (const auto& [other_handle, other] : streams) {
      if (!other->blocking) continue;
      if (other->capture != nullptr) {
        other->capture->valid = false;
        return cudaErrorStreamCaptureImplicit;
      }
      if (pending(*other)) after.push_back(end_of(other));
    }
  } else if (stream->blocking && pending(*legacy)) {
    after.push_back(end_of(legacy));
  }
  stream->queue.push_back({std::move(run), std::move(after)});
  ++stream->submitted;
  return cudaSuccess;
}

void Runtime::run_next(const std::shared_ptr<CUstream_st>& stream) {
  const Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  for (const Point& point : work.after)
    while (failure.empty() && point.stream->done < point.count) run_next(point.stream);
  try {
    if (failure.empty() && work.run) work.run();
  } catch (const std::exception& error) {
    fail(error.what());
  }
  ++stream->done;
}

bool Runtime::reach(const Point& point) {
  if (point.stream == nullptr || point.stream->done >= point.count) return false;
  running = true;
  open_memory(true);
  while (point.stream->done < point.count) run_next(point.stream);
  open_memory(false);
  running = false;
  return true;
}

bool Runtime::reach_end(const std::shared_ptr<CUstream_st>& stream) {
  return reach(end_of(stream));
}

void Runtime::reach_all() {
  reach_end(legacy);
  for (const auto& [handle, stream] : streams) reach_end(stream);
}

void Runtime::forget_failure() {
  failure.clear();
  const auto drop = [](CUstream_st& stream) {
    stream.queue.clear();
    stream.done = stream.submitted;
  };
  drop(*legacy);
  for (const auto& [handle, stream] : streams) drop(*stream);
}

void Runtime::fail(const char* message) {
  failure = message;
  std::fprintf(stderr, "emulated GPU: %s\n", message);
}

/// AddressSanitizer reports a host that accesses device memory while no work runs.
void Runtime::open_memory(bool open) const {
  for (const auto& [memory, allocation] : allocations)
    if (allocation.on_device) open ? allow(memory, allocation.bytes) : forbid(memory, allocation.bytes);
}

}  // namespace n2s::emulation
