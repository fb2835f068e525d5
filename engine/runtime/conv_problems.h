// A convolution of the graph as the problem that kernels/conv3x3 takes; the same for every device but for the views.
#pragma once

#include <vector>

#include "engine/graph/extents.h"
#include "engine/runtime/binding.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

/// `Views` knows the device's tensors: views.tensor(id) and views.argmax(id) are the values named `id`, null views for
/// kNone. What is returned points into `binding`.
template <typename Views>
struct ConvProblems {
  const Binding& binding;
  const Views& views;

  ConvGradientTarget target(const GradientTarget& to) const {
    return {views.tensor(to.gradient), views.tensor(to.activated), to.slope, to.accumulate};
  }
  ConvOutputGradient output_gradient(const OutputGradient& from) const {
    return {views.tensor(from.dense), views.tensor(from.pooled), views.argmax(from.argmax)};
  }
  const LayerMemory& layer(LayerId id) const { return binding.layers.at(static_cast<std::size_t>(id)); }

  Conv3x3Forward operator()(const Convolution& op) const {
    Conv3x3Forward problem;
    problem.source = {views.tensor(op.low), views.tensor(op.skip)};
    problem.bias = layer(op.layer).bias;
    problem.slope = op.slope;
    problem.residual = views.tensor(op.residual);
    problem.residual_channel = op.residual_channel;
    problem.out = views.tensor(op.out);
    problem.pooled = views.tensor(op.pooled);
    problem.argmax = views.argmax(op.argmax);
    problem.packed = binding.packed;
    problem.scratch = binding.scratch;
    return problem;
  }
  Conv3x3DataGradient operator()(const ConvolutionDataGradient& op) const {
    Conv3x3DataGradient problem;
    problem.output_gradient = output_gradient(op.output_gradient);
    problem.low_channels = op.low_channels;
    problem.skip_channels = op.skip_channels;
    problem.low = target(op.low);
    problem.skip = target(op.skip);
    problem.packed = binding.packed;
    problem.scratch = binding.scratch;
    return problem;
  }
  Conv3x3WeightGradient operator()(const ConvolutionWeightGradient& op) const {
    Conv3x3WeightGradient problem;
    problem.source = {views.tensor(op.low), views.tensor(op.skip)};
    problem.output_gradient = output_gradient(op.output_gradient);
    problem.weight_gradient = layer(op.layer).weight_gradient;
    problem.bias_gradient = layer(op.layer).bias_gradient;
    problem.scratch = binding.scratch;
    return problem;
  }
};

/// The weights that the graph's convolutions read in packed form: packed[i] is the memory of operation i, empty where
/// there is nothing to pack.
std::vector<ConvPacking> conv_packings(const Graph& graph, const Extents& extents, const Binding& binding,
                                       std::span<const std::span<std::byte>> packed);

}  // namespace n2s
