// Streams and events of the host interface.
#include <algorithm>
#include <utility>

#include "tests/emulation/runtime.h"

using n2s::emulation::api_call;
using n2s::emulation::CallKind;
using n2s::emulation::Capture;
using n2s::emulation::Runtime;
using Clock = std::chrono::steady_clock;

namespace {

CUevent_st* find_event(const Runtime& runtime, cudaEvent_t event) {
  const auto found = runtime.events.find(event);
  return found == runtime.events.end() ? nullptr : found->second.get();
}

/// For calls that must not concern a stream that is captured.
cudaError_t check_not_captured(const CUstream_st* stream) {
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture == nullptr) return cudaSuccess;
  stream->capture->valid = false;
  return cudaErrorStreamCaptureUnsupported;
}

/// The same for events; in a capture nothing may ask whether other work is done either.
cudaError_t check_not_captured(Runtime& runtime, const CUevent_st* event) {
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  if (event->capture == nullptr) return runtime.refuse_in_capture();
  event->capture->valid = false;
  return cudaErrorCapturedEvent;
}

/// The stream goes on after what the event marks in a capture, and so is captured itself.
cudaError_t wait_in_capture(Runtime& runtime, const std::shared_ptr<CUstream_st>& stream, const CUevent_st& event) {
  if (event.capture->ended) return cudaErrorCapturedEvent;
  if (!event.capture->valid) return cudaErrorStreamCaptureInvalidated;
  if (stream == runtime.legacy) return cudaErrorStreamCaptureImplicit;
  if (stream->capture != nullptr && stream->capture != event.capture) {
    stream->capture->valid = event.capture->valid = false;
    return cudaErrorStreamCaptureMerge;
  }
  if (stream->capture == nullptr) {
    stream->capture = event.capture;
    event.capture->streams.push_back(stream);
  }
  stream->last_nodes.insert(stream->last_nodes.end(), event.nodes.begin(), event.nodes.end());
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return api_call([&](Runtime& runtime) {
    const auto created = std::make_shared<CUstream_st>();
    created->blocking = (flags & cudaStreamNonBlocking) == 0;
    *stream = created.get();
    runtime.streams.emplace(*stream, created);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int /*priority*/) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return api_call(
      [&](Runtime& runtime) {
        const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
        if (stream == nullptr || stream == runtime.legacy) return cudaErrorInvalidResourceHandle;
        if (const auto capture = stream->capture; capture != nullptr) {
          capture->valid = false;
          if (capture->streams.front() == stream) runtime.end(capture);
        }
        runtime.reach_end(stream);
        runtime.streams.erase(handle);
        return cudaSuccess;
      },
      CallKind::release);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    const cudaError_t result = check_not_captured(stream.get());
    if (result == cudaSuccess) runtime.reach_end(stream);
    return result;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    const cudaError_t result = check_not_captured(stream.get());
    if (result != cudaSuccess) return result;
    return runtime.reach_end(stream) ? cudaErrorNotReady : cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned /*flags*/) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    const CUevent_st* found = find_event(runtime, event);
    if (stream == nullptr || found == nullptr) return cudaErrorInvalidResourceHandle;
    if (found->capture != nullptr) return wait_in_capture(runtime, stream, *found);
    if (!found->recorded) return cudaSuccess;
    if (stream->capture != nullptr) {
      stream->capture->valid = false;
      return cudaErrorStreamCaptureIsolation;
    }
    return runtime.submit(handle, nullptr, {found->point});
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return api_call([&](Runtime& runtime) {
    if (function == nullptr) return cudaErrorInvalidValue;
    return runtime.submit(stream, [function, data] { function(data); });
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api_call([&](Runtime& runtime) {
    const cudaError_t result = runtime.refuse_in_capture(true);
    if (result == cudaSuccess) runtime.reach_all();
    return result;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return api_call([&](Runtime& runtime) {
    auto created = std::make_unique<CUevent_st>();
    created->timing = (flags & cudaEventDisableTiming) == 0;
    *event = created.get();
    runtime.events.emplace(*event, std::move(created));
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return api_call(
      [&](Runtime& runtime) { return runtime.events.erase(event) == 1 ? cudaSuccess : cudaErrorInvalidResourceHandle; },
      CallKind::release);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(stream_handle);
    CUevent_st* event = find_event(runtime, handle);
    if (stream == nullptr || event == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture != nullptr) {
      if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
      event->capture = stream->capture;
      event->nodes = stream->last_nodes;
      return cudaSuccess;
    }
    const auto time = std::make_shared<Clock::time_point>();
    const cudaError_t result = runtime.submit(stream_handle, [time] { *time = Clock::now(); });
    if (result != cudaSuccess) return result;
    event->recorded = true;
    event->capture = nullptr;
    event->point = {stream, stream->submitted};
    event->time = time;
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return api_call([&](Runtime& runtime) {
    const CUevent_st* event = find_event(runtime, handle);
    const cudaError_t result = check_not_captured(runtime, event);
    if (result == cudaSuccess) runtime.reach(event->point);
    return result;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return api_call([&](Runtime& runtime) {
    const CUevent_st* event = find_event(runtime, handle);
    const cudaError_t result = check_not_captured(runtime, event);
    if (result != cudaSuccess) return result;
    return runtime.reach(event->point) ? cudaErrorNotReady : cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return api_call([&](const Runtime& runtime) {
    const CUevent_st* from = find_event(runtime, start);
    const CUevent_st* to = find_event(runtime, end);
    for (const CUevent_st* event : {from, to}) {
      if (event == nullptr || !event->recorded || !event->timing) return cudaErrorInvalidResourceHandle;
      if (event->point.stream->done < event->point.count) return cudaErrorNotReady;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*to->time - *from->time).count();
    return cudaSuccess;
  });
}
