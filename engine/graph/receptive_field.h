// How far a network sees: what tiling needs to know to give the same result as without tiles.
#pragma once

#include "engine/graph/graph.h"

namespace n2s {

/// Pixels: how far away an input pixel can be and still change an output pixel, the larger of both directions along an
/// axis (rows and columns are alike). Computed from the operations of a forward graph, fused or not. Throws Error for a
/// differentiated graph.
int receptive_radius(const Graph& graph);

}  // namespace n2s
