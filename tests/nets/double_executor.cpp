// Runs every operation of a graph with its double-precision reference, one after the other.
#include "double_executor.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "double_conv.h"
#include "kernels/adam/adam.h"
#include "kernels/unfused/unfused.h"

namespace n2s {

/// As in the CPU backend: identifiers become views, and each kind of operation calls its kernel.
struct DoubleExecutor::RunInDouble {
  DoubleExecutor& own;

  Tensor<double> tensor(ValueId id) const {
    return id == kNone ? Tensor<double>{} : Tensor<double>{own.at(id).data(), own.shape(id)};
  }
  Tensor<std::uint8_t> indices(ValueId id) const {
    if (id == kNone) return {};
    return {own.indices_.at(static_cast<std::size_t>(id)).data(), own.shape(id)};
  }
  ConvGradientTarget target(const GradientTarget& to) const {
    return {tensor(to.gradient), tensor(to.activated), slope(to.slope), to.accumulate};
  }
  ConvOutputGradient output_gradient(const OutputGradient& from) const {
    return {tensor(from.dense), tensor(from.pooled), indices(from.argmax)};
  }
  const LayerParameters& layer(LayerId id) const { return own.layout_.layers.at(static_cast<std::size_t>(id)); }
  const double* weight(LayerId id) const { return own.parameters_.data() + layer(id).weight.offset; }

  /// The graph holds slopes as floats; 0.1f is 1.5e-8 off the 0.1 that is meant, which double precision would show.
  static double slope(float rounded) { return rounded == 0.1F ? 0.1 : static_cast<double>(rounded); }

  void operator()(const Convolution& op) const {
    Conv3x3Forward problem;
    problem.source = {tensor(op.low), tensor(op.skip)};
    problem.weight = weight(op.layer);
    problem.bias = own.parameters_.data() + layer(op.layer).bias.offset;
    problem.slope = slope(op.slope);
    problem.residual = tensor(op.residual);
    problem.residual_channel = op.residual_channel;
    problem.out = tensor(op.out);
    problem.pooled = tensor(op.pooled);
    problem.argmax = indices(op.argmax);
    double_forward(problem, own.pool_);
  }
  void operator()(const ConvolutionDataGradient& op) const {
    double_data_gradient({output_gradient(op.output_gradient), weight(op.layer), op.low_channels, op.skip_channels,
                          target(op.low), target(op.skip)},
                         own.pool_);
  }
  void operator()(const ConvolutionWeightGradient& op) const {
    double* gradients = own.gradients_.data();
    double_weight_gradient({{tensor(op.low), tensor(op.skip)},
                            output_gradient(op.output_gradient),
                            gradients + layer(op.layer).weight.offset,
                            gradients + layer(op.layer).bias.offset},
                           own.pool_);
  }
  void operator()(const MeanSquaredError& op) const {
    const std::vector<double>& prediction = own.at(op.prediction);
    const std::vector<double>& expected = own.at(op.target);
    const auto ignored = [&](double target) { return op.is_masked && std::isnan(target); };
    const auto count = static_cast<double>(expected.size()) -
                       static_cast<double>(std::count_if(expected.begin(), expected.end(), ignored));
    own.loss_ = 0;
    for (std::size_t i = 0; i < prediction.size(); ++i) {
      const double difference = ignored(expected[i]) ? 0 : prediction[i] - expected[i];
      own.loss_ += difference * difference / count;
      own.at(op.to.gradient)[i] = 2 * difference / count;
    }
  }
  void operator()(const Activation& op) const {
    unfused::activation_reference(tensor(op.in), slope(op.slope), tensor(op.out));
  }
  void operator()(const ActivationGradient& op) const {
    unfused::activation_gradient_reference(tensor(op.output_gradient), tensor(op.activated), slope(op.slope),
                                           target(op.to));
  }
  void operator()(const MaxPool& op) const {
    unfused::maxpool2_reference(tensor(op.in), tensor(op.out), indices(op.argmax));
  }
  void operator()(const MaxPoolGradient& op) const {
    unfused::maxpool2_gradient_reference(tensor(op.output_gradient), indices(op.argmax), target(op.to));
  }
  void operator()(const BlurPool& op) const { unfused::blurpool2_reference(tensor(op.in), tensor(op.out)); }
  void operator()(const BlurPoolGradient& op) const {
    unfused::blurpool2_gradient_reference(tensor(op.output_gradient), tensor(op.in), target(op.to));
  }
  void operator()(const Upsample& op) const { unfused::upsample2_reference(tensor(op.in), tensor(op.out)); }
  void operator()(const UpsampleGradient& op) const {
    unfused::upsample2_gradient_reference(tensor(op.output_gradient), target(op.to));
  }
  void operator()(const Concat& op) const {
    unfused::concat_reference(tensor(op.first), tensor(op.second), tensor(op.out));
  }
  void operator()(const ConcatGradient& op) const {
    const Tensor<double> from = tensor(op.output_gradient);
    const int first = op.first.gradient != kNone ? own.shape(op.first.gradient).channels
                                                 : from.shape.channels - own.shape(op.second.gradient).channels;
    unfused::concat_gradient_reference(from, target(op.first), target(op.second), first);
  }
  void operator()(const AddPlane& op) const {
    unfused::add_plane_reference(tensor(op.in), tensor(op.source), op.channel, tensor(op.out));
  }
  void operator()(const AddPlaneGradient& op) const {
    unfused::copy_gradient_reference(tensor(op.output_gradient), target(op.to));
  }
};

DoubleExecutor::DoubleExecutor(Graph graph, const Extents& extents, std::vector<double> parameters)
    : graph_(std::move(graph)),
      extents_(extents),
      layout_(parameter_layout(graph_.layers)),
      parameters_(std::move(parameters)),
      gradients_(layout_.total),
      first_moment_(layout_.total),
      second_moment_(layout_.total),
      values_(graph_.values.size()),
      indices_(graph_.values.size()) {
  for (std::size_t v = 0; v < graph_.values.size(); ++v) {
    const auto elements = static_cast<std::size_t>(shape_of(graph_.values[v], extents_).elements());
    if (graph_.values[v].type == ValueType::argmax2)
      indices_[v].resize(elements);
    else
      values_[v].resize(elements);
  }
}

Shape DoubleExecutor::shape(ValueId id) const {
  return shape_of(graph_.values.at(static_cast<std::size_t>(id)), extents_);
}

double DoubleExecutor::run() {
  for (const Operation& operation : graph_.operations) std::visit(RunInDouble{*this}, operation);
  return loss_;
}

void DoubleExecutor::adam(long step) {
  adam_reference<double>({parameters_, first_moment_, second_moment_, gradients_, {}, step});
}

}  // namespace n2s
