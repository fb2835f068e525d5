// The size of the images that a graph is planned for, and of each value at that size.
#pragma once

#include "engine/graph/graph.h"
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

}  // namespace n2s
