// Counts a multiply-add as two operations, on every output pixel and tap.
#include "engine/graph/work.h"

namespace n2s {
namespace {

/// Pixels of a convolution's output: those of any value at its resolution that it touches.
double pixels(const Graph& graph, ValueId same, ValueId half, const Extents& extents) {
  const ValueId id = same != kNone ? same : half;
  const double found = static_cast<double>(shape_of(graph.values.at(static_cast<std::size_t>(id)), extents).pixels());
  return same != kNone ? found : 4 * found;
}

double convolution(const Graph& graph, LayerId id, double output_pixels) {
  const Layer& layer = graph.layers.at(static_cast<std::size_t>(id));
  return 18.0 * layer.in_channels * layer.out_channels * output_pixels;
}

}  // namespace

double operations_of(const Graph& graph, const Operation& operation, const Extents& extents) {
  if (const auto* op = std::get_if<Convolution>(&operation))
    return convolution(graph, op->layer, pixels(graph, op->out, op->pooled, extents));
  if (const auto* op = std::get_if<ConvolutionWeightGradient>(&operation))
    return convolution(graph, op->layer, pixels(graph, op->output_gradient.dense, op->output_gradient.pooled, extents));
  if (const auto* op = std::get_if<ConvolutionDataGradient>(&operation)) {
    const Layer& layer = graph.layers.at(static_cast<std::size_t>(op->layer));
    const int sources =
        (op->low.gradient != kNone ? op->low_channels : 0) + (op->skip.gradient != kNone ? op->skip_channels : 0);
    return 18.0 * sources * layer.out_channels *
           pixels(graph, op->output_gradient.dense, op->output_gradient.pooled, extents);
  }
  return 0;
}

double operations_of(const Graph& graph, const Extents& extents) {
  double sum = 0;
  for (const Operation& operation : graph.operations) sum += operations_of(graph, operation, extents);
  return sum;
}

}  // namespace n2s
