// Graphs of the host interface: capturing streams, and launching graphs.
#include <algorithm>
#include <utility>

#include "tests/emulation/runtime.h"

using n2s::emulation::api_call;
using n2s::emulation::CallKind;
using n2s::emulation::Capture;
using n2s::emulation::Functions;
using n2s::emulation::Runtime;

namespace {

/// Appends node `number` to `order`, after the nodes that it waits for. Nodes of another stream come as late as
/// possible, so that a missing wait shows.
void put_in_order(const Capture& capture, std::size_t number, std::vector<char>& done, Functions& order) {
  if (done[number] != 0) return;
  done[number] = 1;
  for (const std::size_t before : capture.nodes[number].after) put_in_order(capture, before, done, order);
  order.push_back(capture.nodes[number].run);
}

cudaError_t end_capture(Runtime& runtime, const std::shared_ptr<CUstream_st>& stream, cudaGraph_t* graph) {
  *graph = nullptr;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->streams.front() != stream) {
    capture->valid = false;
    return cudaErrorStreamCaptureUnmatched;
  }
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id())
    return cudaErrorStreamCaptureWrongThread;
  const std::vector<std::size_t> last_nodes = stream->last_nodes;
  runtime.end(capture);
  if (!capture->valid) return cudaErrorStreamCaptureInvalidated;

  auto created = std::make_unique<CUgraph_st>();
  std::vector<char> done(capture->nodes.size(), 0);
  for (const std::size_t number : last_nodes) put_in_order(*capture, number, done, created->nodes);
  if (created->nodes.size() != capture->nodes.size()) return cudaErrorStreamCaptureUnjoined;
  *graph = created.get();
  runtime.graphs.emplace(*graph, std::move(created));
  return cudaSuccess;
}

}  // namespace

namespace n2s::emulation {

void Runtime::end(const std::shared_ptr<Capture>& capture) {
  capture->ended = true;
  for (const auto& stream : capture->streams) {
    stream->capture = nullptr;
    stream->last_nodes.clear();
  }
  std::erase(captures, capture);
}

cudaError_t Runtime::refuse_in_capture(bool always) {
  cudaError_t result = cudaSuccess;
  for (const auto& capture : captures) {
    const bool permits =
        capture->mode == cudaStreamCaptureModeRelaxed ||
        (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread != std::this_thread::get_id());
    if (permits && !always) continue;
    capture->valid = false;
    result = cudaErrorStreamCaptureUnsupported;
  }
  return result;
}

}  // namespace n2s::emulation

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream == runtime.legacy) return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != nullptr) return cudaErrorIllegalState;
    const auto capture = std::make_shared<Capture>();
    capture->id = ++runtime.last_capture_id;
    capture->mode = mode;
    capture->streams = {stream};
    stream->capture = capture;
    runtime.captures.push_back(capture);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return api_call([&](Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    if (stream->capture == nullptr) return cudaErrorIllegalState;
    return end_capture(runtime, stream, graph);
  });
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status, unsigned long long* id) {
  return api_call([&](const Runtime& runtime) {
    const std::shared_ptr<CUstream_st> stream = runtime.find(handle);
    if (stream == nullptr) return cudaErrorInvalidResourceHandle;
    *status = cudaStreamCaptureStatusNone;
    if (stream->capture == nullptr) return cudaSuccess;
    *status = stream->capture->valid ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusInvalidated;
    if (id != nullptr) *id = stream->capture->id;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cudaStreamGetCaptureInfo(stream, status);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long /*flags*/) {
  return api_call([&](Runtime& runtime) {
    const auto found = runtime.graphs.find(graph);
    if (found == runtime.graphs.end()) return cudaErrorInvalidValue;
    auto created = std::make_unique<CUgraphExec_st>();
    created->nodes = std::make_shared<Functions>(found->second->nodes);
    *executable = created.get();
    runtime.executables.emplace(*executable, std::move(created));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream) {
  return api_call([&](const Runtime& runtime) {
    return runtime.executables.contains(executable) && runtime.find(stream) != nullptr ? cudaSuccess
                                                                                       : cudaErrorInvalidValue;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return api_call([&](Runtime& runtime) {
    const auto found = runtime.executables.find(executable);
    if (found == runtime.executables.end()) return cudaErrorInvalidValue;
    return runtime.submit(stream, [nodes = found->second->nodes] {
      for (const auto& run : *nodes)
        if (run) run();
    });
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  return api_call([&](const Runtime& runtime) {
    const auto found = runtime.graphs.find(graph);
    if (found == runtime.graphs.end()) return cudaErrorInvalidValue;
    if (nodes != nullptr) return cudaErrorNotSupported;  // nodes can only be counted here
    *count = found->second->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return api_call(
      [&](Runtime& runtime) { return runtime.graphs.erase(graph) == 1 ? cudaSuccess : cudaErrorInvalidValue; },
      CallKind::release);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return api_call(
      [&](Runtime& runtime) {
        return runtime.executables.erase(executable) == 1 ? cudaSuccess : cudaErrorInvalidValue;
      },
      CallKind::release);
}
