// The interface between the executor and a device. A backend owns memory and runs one operation at a time; what to run,
// in which order and in which memory is decided above it, once, for all devices.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/extents.h"
#include "engine/graph/graph.h"
#include "engine/inference/measurement.h"
#include "kernels/adam/adam.h"
#include "kernels/base/tensor.h"
#include "kernels/kspace/kspace.h"

namespace n2s {

/// A piece of the device's memory; move-only, frees itself.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::byte* data, std::size_t bytes, std::function<void(std::byte*)> release)
      : data_(data, std::move(release)), bytes_(bytes) {}

  std::byte* data() const { return data_.get(); }
  std::size_t bytes() const { return bytes_; }
  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data_.get()), bytes_ / sizeof(T)};  // NOLINT: the buffer is aligned for any type
  }

 private:
  std::unique_ptr<std::byte, std::function<void(std::byte*)>> data_;
  std::size_t bytes_ = 0;
};

/// Device memory of one layer's parameters; gradients are null outside training.
struct LayerMemory {
  const float* weight = nullptr;  // OIHW
  const float* bias = nullptr;
  float* weight_gradient = nullptr;
  float* bias_gradient = nullptr;
};

/// Everything that an operation's identifiers stand for in one run.
struct Binding {
  std::vector<void*> values;  // one for each value of the graph; null where it has no memory
  std::vector<Shape> shapes;
  std::vector<LayerMemory> layers;
  std::span<std::byte> packed;   // this operation's packed weights
  std::span<std::byte> scratch;  // this operation's scratch memory, uninitialised
  double* loss = nullptr;        // device memory that MeanSquaredError writes

  Shape shape(ValueId id) const { return shapes.at(static_cast<std::size_t>(id)); }
  void* data(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
};

/// Dynamic loss scaling: gradients that are stored in few bits are kept in the range that these have.
struct LossScaling {
  float scale = 1;
  int good_steps = 0;  // since it last changed
  bool operator==(const LossScaling&) const = default;
};

/// Work that was recorded once and can be run again and again, on the same memory.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void run() = 0;
};

/// A moment in a backend's work, for timing.
class Moment {
 public:
  virtual ~Moment() = default;
};

class BatchSource;
class DeviceBatchSource;
class StackTiles;
struct TileRequest;
struct BatchSettings;
struct TrainingStack;

/// What training batches for a device are made from.
struct BatchRequest {
  const std::vector<TrainingStack>& stacks;
  const BatchSettings& settings;
  BatchSource& host;      // makes the same batches on the host; must live as long as what uses it
  std::size_t limit = 0;  // bytes of device memory that may be taken
};

/// Planes whose measured frequencies are put back, as kspace_restore_measured() does.
struct MeasuredPlanes {
  const KspaceSampling& sampling;
  std::span<const RandomKey> keys;  // of the masks, one for each plane
  std::span<const float> noisy;     // pixels of the planes, one after the other
  std::span<float> restored;        // the same, in and out
};

class Backend {
 public:
  virtual ~Backend() = default;

  /// One line for the user: "CPU (Intel Xeon ..., AVX-512, 2 threads)".
  virtual std::string description() const = 0;

  /// Aligned to 256 bytes, uninitialised. Throws Error with the size when there is not enough memory.
  virtual Buffer allocate(std::size_t bytes) = 0;
  virtual void upload(std::byte* device, std::span<const std::byte> host) = 0;
  virtual void download(std::span<std::byte> host, const std::byte* device) = 0;

  /// Between a value of the graph in device memory, in the backend's own form, and fp32 NHWC on the host.
  virtual void write(const Value& value, const Shape& shape, void* device, std::span<const float> host) = 0;
  virtual void read(const Value& value, const Shape& shape, const void* device, std::span<float> host) = 0;

  /// Bytes that can be allocated; what plans for tiling start from.
  virtual std::size_t free_bytes() const = 0;

  /// Bytes that a value, an operation's packed weights and its scratch memory take.
  virtual std::size_t value_bytes(const Value& value, const Extents& extents) const = 0;
  virtual std::size_t packed_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const = 0;
  virtual std::size_t scratch_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const = 0;

  /// Brings the operation's weights into the form that its kernel reads; needed after every change of the weights.
  virtual void pack(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding) = 0;
  virtual void run(const Operation& operation, const Binding& binding) = 0;

  /// One update. In work that is being recorded, settings and step are those of the latest prepare_adam.
  virtual void adam(const AdamUpdate<float>& update) = 0;
  virtual void prepare_adam(const AdamSettings& settings, long step) = 0;

  /// Whether recording work has an advantage here. If so, adam() leaves everything as it was where the loss or a
  /// gradient is not finite: the host is not asked in between.
  virtual bool records() const = 0;
  /// Records what `work` does with this backend, without doing it. Throws Error where records() is false.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;

  /// Batches made without the host's work where the data set can stay on the device, and else while the device
  /// computes; null where batches are best made by the host, in between.
  virtual std::unique_ptr<DeviceBatchSource> device_batches(const BatchRequest& request) = 0;

  /// Pixels of a batch that keep the device busy in inference; more at once is no faster.
  virtual int busy_pixels() const = 0;

  /// A stack that is cut into tiles, and put together again, where the network runs; null where the host does that
  /// best.
  virtual std::unique_ptr<StackTiles> stack_tiles(const TileRequest& request) = 0;

  /// Puts measured frequencies back on the device. False where the host has to: the device is no other, or lacks what
  /// it takes, which `why` says then. Nothing has changed in that case.
  virtual bool restore_measured(const MeasuredPlanes& planes, std::string& why) = 0;

  /// Measures on the device. False where the host has to, and `why` as above.
  virtual bool measure(const Measurement& what, std::string& why) = 0;

  /// The moment when the work so far is done, and the milliseconds between two such; waits for them.
  virtual std::unique_ptr<Moment> mark() = 0;
  virtual double milliseconds(const Moment& from, const Moment& to) = 0;

  /// The gradients' scale, which a resumed training goes on with.
  virtual LossScaling loss_scaling() const = 0;
  virtual void set_loss_scaling(const LossScaling& scaling) = 0;
};

}  // namespace n2s
