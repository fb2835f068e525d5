// Two slots in turn: one is copied to the GPU while the host fills the other.
#include "engine/training/cuda/streamed_batches.h"

#include "kernels/convert/cuda.h"
#include "kernels/device/check.h"

namespace n2s::device {
namespace {

constexpr const char* kBatchesWork = "sending batches to the GPU";

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(shape.elements());
}

}  // namespace

StreamedBatches::StreamedBatches(BatchSource& host, int planes, Precision precision, const std::string& reason,
                                 cudaStream_t stream)
    : host_(&host), precision_(precision), reason_(reason), compute_(stream), copies_(cuda_stream()) {
  const Extents e = host.extents();
  input_ = {e.batch, e.height, e.width, planes};
  target_ = {e.batch, e.height, e.width, 1};
  const std::size_t count = count_of(input_) + count_of(target_);
  for (Slot& slot : slots_) {
    slot.host = pinned_array<float>(count);
    slot.device = cuda_array<float>(count);
    slot.copied = cuda_event();
    slot.taken = cuda_event();
  }
  batch_ = cuda_array<float>(count);
}

StreamedBatches::~StreamedBatches() {
  cudaStreamSynchronize(copies_.get());
  cudaStreamSynchronize(compute_);
}

std::string StreamedBatches::description() const {
  return "the CPU makes the batches, which are copied to the GPU: " + reason_;
}

void StreamedBatches::send(Slot& slot, const BatchStep& step) {
  check(cudaEventSynchronize(slot.copied.get()), kBatchesWork);
  host_->fill(step, {slot.host.get(), input_}, {slot.host.get() + input_.elements(), target_});
  check(cudaStreamWaitEvent(copies_.get(), slot.taken.get(), 0), kBatchesWork);
  const std::size_t bytes = (count_of(input_) + count_of(target_)) * sizeof(float);
  check(cudaMemcpyAsync(slot.device.get(), slot.host.get(), bytes, cudaMemcpyHostToDevice, copies_.get()),
        kBatchesWork);
  check(cudaEventRecord(slot.copied.get(), copies_.get()), kBatchesWork);
  slot.step = step;
}

void StreamedBatches::select(const BatchStep& step, Executor&) {
  Slot& slot = slots_[next_];
  if (slot.step != step) send(slot, step);
  const std::size_t bytes = (count_of(input_) + count_of(target_)) * sizeof(float);
  check(cudaStreamWaitEvent(compute_, slot.copied.get(), 0), kBatchesWork);
  check(cudaMemcpyAsync(batch_.get(), slot.device.get(), bytes, cudaMemcpyDeviceToDevice, compute_), kBatchesWork);
  check(cudaEventRecord(slot.taken.get(), compute_), kBatchesWork);
  next_ = 1 - next_;
}

void StreamedBatches::load(Executor& executor) {
  const Graph& graph = executor.graph();
  void* input = executor.data(graph.input);
  void* target = executor.data(graph.target);
  pad_channels(batch_.get(), device_tensor(input, input_, precision_), precision_, compute_);
  pad_channels(batch_.get() + input_.elements(), device_tensor(target, target_, precision_), precision_, compute_);
}

void StreamedBatches::look_ahead(const BatchStep& next) {
  send(slots_[next_], next);
}

}  // namespace n2s::device
