// The interface between the executor and a device. A backend owns memory and runs one operation at a time; what to run,
// in which order and in which memory is decided above it, once, for all devices.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.h"
#include "kernels/adam/adam.h"
#include "kernels/base/tensor.h"

namespace n2s {

/// Size of the images that a graph is planned for.
struct Extents {
  int batch = 0;              // images
  int height = 0, width = 0;  // pixels, divisible by 2^depth of the graph
  bool operator==(const Extents&) const = default;
};

/// Shape of a value for these extents.
Shape shape_of(const Value& value, const Extents& extents);

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
  double* loss = nullptr;        // host memory that MeanSquaredError writes

  Shape shape(ValueId id) const { return shapes.at(static_cast<std::size_t>(id)); }
  void* data(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
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

  /// Bytes that a value, an operation's packed weights and its scratch memory take.
  virtual std::size_t value_bytes(const Value& value, const Extents& extents) const = 0;
  virtual std::size_t packed_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const = 0;
  virtual std::size_t scratch_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const = 0;

  /// Brings the operation's weights into the form that its kernel reads; needed after every change of the weights.
  virtual void pack(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding) = 0;
  virtual void run(const Operation& operation, const Binding& binding) = 0;

  virtual void adam(const AdamUpdate<float>& update) = 0;
};

}  // namespace n2s
