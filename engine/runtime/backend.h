// The interface between the executor and a device: memory, operations, the parameter update, capture and timing. What
// runs, in which order and in which memory is decided above it, once for all devices; batches, tiles and stacks are
// unknown here.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/graph/extents.h"
#include "engine/graph/graph.h"
#include "engine/runtime/binding.h"
#include "engine/runtime/buffer.h"
#include "kernels/adam/adam.h"

namespace n2s {

class Ranks;

/// Bytes that an operation needs besides its values.
struct OperationMemory {
  std::size_t packed = 0;   // weights in the kernel's layout; live for the whole run
  std::size_t scratch = 0;  // live while the operation runs
};

/// One Adam update, in device memory; all spans have one length.
struct ParameterUpdate {
  std::span<float> parameters, first_moment, second_moment;
  std::span<const float> gradients;
  const double* loss = nullptr;  // of the step that made the gradients
};

/// Dynamic loss scaling: keeps fp16 gradients within the range of their type (Micikevicius et al. 2018).
struct LossScaling {
  float scale = 1;
  int good_steps = 0;  // since the scale last changed
  bool operator==(const LossScaling&) const = default;
};

/// Work that was captured once and can be replayed, on the same memory: a CUDA graph.
class CapturedGraph {
 public:
  virtual ~CapturedGraph() = default;
  virtual void replay() = 0;
};

/// A point in a backend's sequence of work, for timing.
class Event {
 public:
  virtual ~Event() = default;
};

/// Sums over ranks from device to device, beside what the backend computes.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  /// Begins once the work so far has made the values, in device memory: they become the sum over ranks of `factor`,
  /// which is each rank's own, times the values. All ranks start the same sums in the same order.
  virtual void start(std::span<float> values, double factor) = 0;
  virtual void start(double& value, double factor) = 0;
  /// What the backend does from now on waits for all sums that were started.
  virtual void finish() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  /// One line for the user: "CPU (Intel Xeon ..., AVX-512, 2 threads)".
  virtual std::string description() const = 0;

  // Memory ------------------------------------------------------------------------------------------------------------

  /// Aligned to 256 bytes, uninitialised. Throws Error with the size when there is not enough memory.
  virtual Buffer allocate(std::size_t bytes) = 0;
  virtual std::size_t free_bytes() const = 0;
  virtual void upload(std::byte* device, std::span<const std::byte> host) = 0;
  virtual void download(std::span<std::byte> host, const std::byte* device) = 0;

  /// Converts between a value in device memory, in the backend's own layout and type, and fp32 NHWC on the host.
  virtual void write(const Value& value, const Shape& shape, void* device, std::span<const float> host) = 0;
  virtual void read(const Value& value, const Shape& shape, const void* device, std::span<float> host) = 0;

  // Operations --------------------------------------------------------------------------------------------------------

  virtual std::size_t value_bytes(const Value& value, const Extents& extents) const = 0;
  virtual OperationMemory operation_memory(const Graph& graph, const Operation& operation,
                                           const Extents& extents) const = 0;

  /// Brings the operations' weights into their kernels' layouts; needed after every change of the weights. packed[i]
  /// belongs to graph.operations[i], and is empty where there is nothing to pack.
  virtual void pack(const Graph& graph, const Extents& extents, const Binding& binding,
                    std::span<const std::span<std::byte>> packed) = 0;
  virtual void run(const Operation& operation, const Binding& binding) = 0;

  // Parameter update --------------------------------------------------------------------------------------------------

  /// Sets the settings and the step (from 1) of the adam() calls that follow. Never captured: captured work reads them
  /// from device memory.
  virtual void set_adam_step(const AdamSettings& settings, long step) = 0;
  /// Leaves everything as it was where the loss is not finite; on a GPU also where a gradient is not.
  virtual void adam(const ParameterUpdate& update) = 0;
  virtual LossScaling loss_scaling() const = 0;
  virtual void set_loss_scaling(const LossScaling& scaling) = 0;

  /// For ranks that train together. Null, on all of them: sums go through the host, and `why_none`, where it is not
  /// empty, says why. All ranks call it. Throws Error, RankLost.
  virtual std::unique_ptr<DeviceSums> device_sums(Ranks& ranks, std::string& why_none) = 0;

  // Capture and timing ------------------------------------------------------------------------------------------------

  /// Captures what `work` does with this backend, without running it. Null where the backend does not capture.
  virtual std::unique_ptr<CapturedGraph> capture(const std::function<void()>& work) = 0;

  virtual std::unique_ptr<Event> record_event() = 0;
  /// Waits for both events.
  virtual double milliseconds(const Event& from, const Event& to) = 0;
};

}  // namespace n2s
