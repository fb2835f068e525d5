// The sizes of a graph's convolutions for given images: what backends plan packed weights and scratch memory from.
#pragma once

#include "engine/runtime/backend.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const Convolution& operation);
Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const ConvolutionDataGradient& operation);
Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const ConvolutionWeightGradient& operation);

}  // namespace n2s
