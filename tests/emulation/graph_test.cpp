// Captured graphs of the emulated runtime: what they repeat, how a capture spreads, and what spoils it.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "tests/emulation/runtime_helpers.h"

using namespace n2s;
using namespace n2s::test;

TEST_CASE("a captured graph keeps its arguments and runs as often as it is launched") {
  const Stream stream;
  const Pinned p;
  int digit = 1;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  CHECK(cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeGlobal) == cudaSuccess);
  CHECK(launch_in(stream.handle, append, p.value, digit++) == cudaSuccess);
  CHECK(cudaStreamIsCapturing(stream.handle, &status) == cudaSuccess);
  CHECK(status == cudaStreamCaptureStatusActive);
  CHECK(launch_in(stream.handle, append, p.value, digit++) == cudaSuccess);
  CHECK(cudaStreamEndCapture(stream.handle, &graph) == cudaSuccess);
  std::size_t nodes = 0;
  CHECK(cudaGraphGetNodes(graph, nullptr, &nodes) == cudaSuccess);
  CHECK(nodes == 2);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(*p.value == 0);
  CHECK(cudaGraphInstantiate(&executable, graph) == cudaSuccess);
  CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(cudaGraphUpload(executable, stream.handle) == cudaSuccess);
  for (int i = 0; i < 4; ++i) CHECK(cudaGraphLaunch(executable, stream.handle) == cudaSuccess);
  CHECK(*p.value == 0);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(*p.value == 12121212);
  CHECK(cudaGraphExecDestroy(executable) == cudaSuccess);
}

namespace {

/// Captures what `record` puts into two streams. `join`: the first waits for the second at the end.
cudaError_t capture(const Stream& first, const Stream& second, bool join, const std::function<void()>& record,
                    cudaGraph_t* graph) {
  const Event fork, joined;
  REQUIRE(cudaStreamBeginCapture(first.handle, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaEventRecord(fork.handle, first.handle) == cudaSuccess);
  CHECK(cudaStreamWaitEvent(second.handle, fork.handle) == cudaSuccess);
  record();
  if (join) {
    CHECK(cudaEventRecord(joined.handle, second.handle) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(first.handle, joined.handle) == cudaSuccess);
  }
  return cudaStreamEndCapture(first.handle, graph);
}

}  // namespace

TEST_CASE("a capture spreads over streams by events, and all must come back") {
  const Stream first, second;
  const Pinned p, q;
  const auto record = [&] {
    launch_in(second.handle, set, p.value, 5);
    launch_in(first.handle, copy_value, q.value, p.value);  // without a wait: the graph may run it first
  };
  cudaGraph_t graph = nullptr;
  CHECK(capture(first, second, false, record, &graph) == cudaErrorStreamCaptureUnjoined);
  CHECK(graph == nullptr);
  REQUIRE(capture(first, second, true, record, &graph) == cudaSuccess);
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaGraphInstantiate(&executable, graph) == cudaSuccess);
  CHECK(cudaGraphLaunch(executable, second.handle) == cudaSuccess);
  CHECK(cudaStreamSynchronize(second.handle) == cudaSuccess);
  CHECK(*p.value == 5);
  CHECK(*q.value == 0);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaGetLastError();
}

TEST_CASE("what a capture forbids spoils it") {
  const Stream stream;
  const Stream blocking(cudaStreamDefault);
  const Event event;
  const Pinned p;
  void* memory = nullptr;
  CHECK(cudaEventRecord(event.handle, blocking.handle) == cudaSuccess);
  struct Case {
    const Stream& stream;
    std::function<cudaError_t()> call;
    cudaError_t expected;
  };
  const std::vector<Case> cases{
      {stream, [&] { return cudaMalloc(&memory, 16); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaFreeHost(p.value); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaStreamSynchronize(stream.handle); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaStreamQuery(stream.handle); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaDeviceSynchronize(); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaEventQuery(event.handle); }, cudaErrorStreamCaptureUnsupported},
      {stream, [&] { return cudaStreamWaitEvent(stream.handle, event.handle); }, cudaErrorStreamCaptureIsolation},
      {blocking, [&] { return launch_in(nullptr, set, p.value, 1); }, cudaErrorStreamCaptureImplicit},
  };
  for (const Case& c : cases) {
    cudaGraph_t graph = nullptr;
    REQUIRE(cudaStreamBeginCapture(c.stream.handle, cudaStreamCaptureModeGlobal) == cudaSuccess);
    CHECK(launch_in(c.stream.handle, set, p.value, 7) == cudaSuccess);
    CHECK(c.call() == c.expected);
    CHECK(launch_in(c.stream.handle, set, p.value, 7) == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaStreamEndCapture(c.stream.handle, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(graph == nullptr);
    CHECK(launch_in(c.stream.handle, set, p.value, 1) == cudaSuccess);  // it executes again
    CHECK(cudaStreamSynchronize(c.stream.handle) == cudaSuccess);
  }
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream.handle, &graph) == cudaErrorIllegalState);
  cudaGetLastError();
}
