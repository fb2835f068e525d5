// How much arithmetic an operation is, counted as direct convolution: the common yardstick, whatever algorithm runs.
#pragma once

#include "engine/graph/extents.h"
#include "engine/graph/graph.h"

namespace n2s {

/// Floating-point operations (a multiply-add is two) of a convolution or one of its gradients; 0 for all others.
double operations_of(const Graph& graph, const Operation& operation, const Extents& extents);
double operations_of(const Graph& graph, const Extents& extents);

}  // namespace n2s
