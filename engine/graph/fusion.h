// Rewrites a forward graph of unfused operations into fused convolutions: upsampling and concatenation become a virtual
// concatenation that the convolution reads; activation, residual and pooling become its epilogue. A tensor that nobody
// else reads is then never written. Idea: what surrounds a convolution costs memory traffic, not arithmetic.
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// The same function with fewer passes over memory. To be applied before autograd, which knows the fused operations.
Graph fuse(Graph graph);

}  // namespace n2s
