// Streams and events of the host interface.
#include <utility>

#include "tests/emulation/runtime.h"

using n2s::emulation::api_call;
using n2s::emulation::CallKind;
using n2s::emulation::Runtime;

namespace {

bool known(const Runtime& runtime, cudaStream_t stream) {
  return stream == nullptr || runtime.streams.contains(stream);
}

}  // namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return api_call([&](Runtime& runtime) {
    auto created = std::make_unique<CUstream_st>();
    created->blocking = (flags & cudaStreamNonBlocking) == 0;
    *stream = created.get();
    runtime.streams.emplace(*stream, std::move(created));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int /*priority*/) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return api_call(
      [&](Runtime& runtime) {
        return runtime.streams.erase(stream) == 1 ? cudaSuccess : cudaErrorInvalidResourceHandle;
      },
      CallKind::release);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return api_call(
      [&](const Runtime& runtime) { return known(runtime, stream) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return cudaStreamSynchronize(stream);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  return api_call([&](const Runtime& runtime) {
    return known(runtime, stream) && runtime.events.contains(event) ? cudaSuccess : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return api_call([&](const Runtime&) { return cudaSuccess; });
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

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaStreamWaitEvent(stream, event, 0);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return cudaStreamWaitEvent(nullptr, event, 0);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return cudaEventSynchronize(event);
}
