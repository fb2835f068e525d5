// A convolution has the resolution of any value at its output.
#include "engine/runtime/geometry.h"

namespace n2s {
namespace {

Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, LayerId layer, int level, int low, int skip) {
  return {extents.batch,
          extents.height >> level,
          extents.width >> level,
          low,
          skip,
          graph.layers.at(static_cast<std::size_t>(layer)).out_channels};
}

const Value* find(const Graph& graph, ValueId id) {
  return id == kNone ? nullptr : &graph.values.at(static_cast<std::size_t>(id));
}

int channels(const Graph& graph, ValueId id) {
  return id == kNone ? 0 : find(graph, id)->channels;
}

/// Level of a convolution's output, from whichever source part is there.
int level_of(const Graph& graph, ValueId low, ValueId skip) {
  return skip != kNone ? find(graph, skip)->level : find(graph, low)->level - 1;
}

}  // namespace

Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const Convolution& op) {
  return layer_of(graph, extents, op.layer, level_of(graph, op.low, op.skip), channels(graph, op.low),
                  channels(graph, op.skip));
}

Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const ConvolutionWeightGradient& op) {
  return layer_of(graph, extents, op.layer, level_of(graph, op.low, op.skip), channels(graph, op.low),
                  channels(graph, op.skip));
}

Conv3x3Layer layer_of(const Graph& graph, const Extents& extents, const ConvolutionDataGradient& op) {
  const int level = op.output_gradient.dense != kNone ? find(graph, op.output_gradient.dense)->level
                                                      : find(graph, op.output_gradient.pooled)->level - 1;
  return layer_of(graph, extents, op.layer, level, op.low_channels, op.skip_channels);
}

}  // namespace n2s
