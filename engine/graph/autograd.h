// Reverse-mode differentiation of a graph: appends the mean squared error and, in reverse order, the gradient operation
// of every operation that a parameter's gradient needs.
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// Works on fused and unfused graphs. The gradient of a value that a convolution with an activation made is stored as
/// the gradient *before* that activation: each consumer multiplies its share by the activation's derivative, so that
/// no pass of its own is needed for it. Adds `target` (shape of the output) to the graph.
/// `masked`: of methods that hide pixels, whose targets are NaN elsewhere.
Graph differentiate(Graph graph, bool masked = false);

}  // namespace n2s
