// Counts a multiply-add as two operations, on every output pixel and tap.
#include "engine/graph/work.h"

namespace n2s {
namespace {

/// Counts each kind of operation.
struct CountOperations {
  const Graph& graph;
  const Extents& extents;

  /// Pixels of a convolution's output: those of any value at its resolution that it touches.
  double pixels(ValueId same, ValueId half) const {
    const ValueId id = same != kNone ? same : half;
    const double found = static_cast<double>(shape_of(graph.values.at(static_cast<std::size_t>(id)), extents).pixels());
    return same != kNone ? found : 4 * found;
  }
  double convolution(int in_channels, LayerId layer, double output_pixels) const {
    return 18.0 * in_channels * graph.layers.at(static_cast<std::size_t>(layer)).out_channels * output_pixels;
  }
  int in_channels(LayerId layer) const { return graph.layers.at(static_cast<std::size_t>(layer)).in_channels; }

  double operator()(const Convolution& op) const {
    return convolution(in_channels(op.layer), op.layer, pixels(op.out, op.pooled));
  }
  double operator()(const ConvolutionWeightGradient& op) const {
    return convolution(in_channels(op.layer), op.layer, pixels(op.output_gradient.dense, op.output_gradient.pooled));
  }
  double operator()(const ConvolutionDataGradient& op) const {
    const int sources =
        (op.low.gradient != kNone ? op.low_channels : 0) + (op.skip.gradient != kNone ? op.skip_channels : 0);
    return convolution(sources, op.layer, pixels(op.output_gradient.dense, op.output_gradient.pooled));
  }
  double operator()(const MeanSquaredError&) const { return 0; }
  template <UnfusedOperation Op>
  double operator()(const Op&) const {
    return 0;
  }
};

}  // namespace

double operations_of(const Graph& graph, const Operation& operation, const Extents& extents) {
  return std::visit(CountOperations{graph, extents}, operation);
}

double operations_of(const Graph& graph, const Extents& extents) {
  double sum = 0;
  for (const Operation& operation : graph.operations) sum += operations_of(graph, operation, extents);
  return sum;
}

}  // namespace n2s
