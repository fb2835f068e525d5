// A visitor with one function per kind of operation; the compiler asks for one where a kind is new.
#include "engine/cpu/cpu_operations.h"

#include <cstdint>

#include "engine/runtime/geometry.h"
#include "kernels/mse/mse.h"
#include "kernels/unfused/unfused.h"

namespace n2s {
namespace {

/// Runs each kind of operation: turns identifiers into views and calls the kernel.
struct RunOnCpu {
  const Binding& binding;
  Conv3x3Variant variant;
  ThreadPool& pool;

  FloatTensor tensor(ValueId id) const {
    return id == kNone ? FloatTensor{} : FloatTensor{static_cast<float*>(binding.data(id)), binding.shape(id)};
  }
  Tensor<std::uint8_t> indices(ValueId id) const {
    if (id == kNone) return {};
    return {static_cast<std::uint8_t*>(binding.data(id)), binding.shape(id)};
  }
  ConvGradientTarget target(const GradientTarget& to) const {
    return {tensor(to.gradient), tensor(to.activated), to.slope, to.accumulate};
  }
  ConvOutputGradient output_gradient(const OutputGradient& from) const {
    return {tensor(from.dense), tensor(from.pooled), indices(from.argmax)};
  }
  const LayerMemory& layer(LayerId id) const { return binding.layers.at(static_cast<std::size_t>(id)); }

  void operator()(const Convolution& op) const {
    Conv3x3Forward problem;
    problem.source = {tensor(op.low), tensor(op.skip)};
    problem.bias = layer(op.layer).bias;
    problem.slope = op.slope;
    problem.residual = tensor(op.residual);
    problem.residual_channel = op.residual_channel;
    problem.out = tensor(op.out);
    problem.pooled = tensor(op.pooled);
    problem.argmax = indices(op.argmax);
    problem.packed = binding.packed;
    problem.scratch = binding.scratch;
    conv3x3_forward_cpu(problem, variant, pool);
  }
  void operator()(const ConvolutionDataGradient& op) const {
    Conv3x3DataGradient problem;
    problem.output_gradient = output_gradient(op.output_gradient);
    problem.low_channels = op.low_channels;
    problem.skip_channels = op.skip_channels;
    problem.low = target(op.low);
    problem.skip = target(op.skip);
    problem.packed = binding.packed;
    problem.scratch = binding.scratch;
    conv3x3_data_gradient_cpu(problem, variant, pool);
  }
  void operator()(const ConvolutionWeightGradient& op) const {
    Conv3x3WeightGradient problem;
    problem.source = {tensor(op.low), tensor(op.skip)};
    problem.output_gradient = output_gradient(op.output_gradient);
    problem.weight_gradient = layer(op.layer).weight_gradient;
    problem.bias_gradient = layer(op.layer).bias_gradient;
    problem.scratch = binding.scratch;
    conv3x3_weight_gradient_cpu(problem, variant, pool);
  }
  void operator()(const MeanSquaredError& op) const {
    *binding.loss = mean_squared_error(tensor(op.prediction), tensor(op.target), tensor(op.to.gradient), pool);
  }
  void operator()(const Activation& op) const { unfused::activation(tensor(op.in), op.slope, tensor(op.out), pool); }
  void operator()(const ActivationGradient& op) const {
    unfused::activation_gradient(tensor(op.output_gradient), tensor(op.activated), op.slope, target(op.to), pool);
  }
  void operator()(const MaxPool& op) const {
    unfused::maxpool2(tensor(op.in), tensor(op.out), indices(op.argmax), pool);
  }
  void operator()(const MaxPoolGradient& op) const {
    unfused::maxpool2_gradient(tensor(op.output_gradient), indices(op.argmax), target(op.to), pool);
  }
  void operator()(const Upsample& op) const { unfused::upsample2(tensor(op.in), tensor(op.out), pool); }
  void operator()(const UpsampleGradient& op) const {
    unfused::upsample2_gradient(tensor(op.output_gradient), target(op.to), pool);
  }
  void operator()(const Concat& op) const {
    unfused::concat(tensor(op.first), tensor(op.second), tensor(op.out), pool);
  }
  void operator()(const ConcatGradient& op) const {
    const FloatTensor from = tensor(op.output_gradient);
    const int first = op.first.gradient != kNone ? binding.shape(op.first.gradient).channels
                                                 : from.shape.channels - binding.shape(op.second.gradient).channels;
    unfused::concat_gradient(from, target(op.first), target(op.second), first, pool);
  }
  void operator()(const AddPlane& op) const {
    unfused::add_plane(tensor(op.in), tensor(op.source), op.channel, tensor(op.out), pool);
  }
  void operator()(const AddPlaneGradient& op) const {
    unfused::copy_gradient(tensor(op.output_gradient), target(op.to), pool);
  }
};

}  // namespace

OperationMemory cpu_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                     Conv3x3Variant variant, int threads) {
  const auto bytes = [&](const auto& op, ConvPass pass) {
    const ConvBytes found = conv3x3_bytes_cpu(layer_of(graph, extents, op), pass, variant, threads);
    return OperationMemory{found.packed, found.scratch};
  };
  if (const auto* op = std::get_if<Convolution>(&operation)) return bytes(*op, ConvPass::forward);
  if (const auto* op = std::get_if<ConvolutionDataGradient>(&operation)) return bytes(*op, ConvPass::data_gradient);
  if (const auto* op = std::get_if<ConvolutionWeightGradient>(&operation)) return bytes(*op, ConvPass::weight_gradient);
  return {};
}

void pack_on_cpu(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding,
                 Conv3x3Variant variant, ThreadPool& pool) {
  const auto pack = [&](const auto& op, ConvPass pass) {
    const float* weight = binding.layers.at(static_cast<std::size_t>(op.layer)).weight;
    conv3x3_pack_cpu(layer_of(graph, extents, op), pass, variant, weight, binding.packed, pool);
  };
  if (const auto* op = std::get_if<Convolution>(&operation)) pack(*op, ConvPass::forward);
  if (const auto* op = std::get_if<ConvolutionDataGradient>(&operation)) pack(*op, ConvPass::data_gradient);
}

void run_on_cpu(const Operation& operation, const Binding& binding, Conv3x3Variant variant, ThreadPool& pool) {
  std::visit(RunOnCpu{binding, variant, pool}, operation);
}

}  // namespace n2s
