// What the identifiers in an operation (values, layers) stand for when it runs: pointers into device memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "kernels/base/tensor.h"

namespace n2s {

/// Device memory of one layer's parameters; gradients are null outside training.
struct LayerMemory {
  const float* weight = nullptr;  // OIHW
  const float* bias = nullptr;
  float* weight_gradient = nullptr;
  float* bias_gradient = nullptr;
};

struct Binding {
  std::vector<void*> values;  // one per value of the graph; null where it has no memory
  std::vector<Shape> shapes;
  std::vector<LayerMemory> layers;
  std::span<std::byte> packed;   // the current operation's packed weights
  std::span<std::byte> scratch;  // the current operation's scratch memory, uninitialised
  double* loss = nullptr;        // written by MeanSquaredError

  Shape shape(ValueId id) const { return shapes.at(static_cast<std::size_t>(id)); }
  void* data(ValueId id) const { return values.at(static_cast<std::size_t>(id)); }
};

}  // namespace n2s
