// A visitor with one function per kind of operation; the compiler asks for one where a kind is new.
#include "engine/cuda/cuda_operations.h"

#include <cstdint>

#include "engine/runtime/conv_problems.h"
#include "engine/runtime/geometry.h"
#include "kernels/mse/cuda.h"
#include "kernels/unfused/cuda.h"

namespace n2s {
namespace {

using device::ConvMode;
using device::DeviceTensor;

/// Runs each kind of operation: turns identifiers into views and launches the kernels.
struct RunOnGpu {
  const Binding& binding;
  ConvMode mode;
  const float* loss_scale;
  cudaStream_t stream;

  DeviceTensor tensor(ValueId id) const {
    return id == kNone ? DeviceTensor{} : device::device_tensor(binding.data(id), binding.shape(id), mode.precision);
  }
  std::uint16_t* positions(ValueId id) const {
    return id == kNone ? nullptr : static_cast<std::uint16_t*>(binding.data(id));
  }
  DeviceTensor argmax(ValueId id) const {
    return id == kNone ? DeviceTensor{} : device::device_positions(positions(id), binding.shape(id));
  }
  ConvGradientTarget target(const GradientTarget& to) const { return problems().target(to); }
  ConvProblems<RunOnGpu> problems() const { return {binding, *this}; }

  void operator()(const Convolution& op) const { device::conv3x3_forward(problems()(op), mode, stream); }
  void operator()(const ConvolutionDataGradient& op) const {
    device::conv3x3_data_gradient(problems()(op), mode, stream);
  }
  void operator()(const ConvolutionWeightGradient& op) const {
    device::conv3x3_weight_gradient(problems()(op), mode, stream);
  }
  void operator()(const MeanSquaredError& op) const {
    const device::DeviceMeanSquaredError p{tensor(op.prediction), tensor(op.target), tensor(op.to.gradient), loss_scale,
                                           binding.loss,          op.is_masked};
    device::mean_squared_error(p, mode.precision, binding.scratch.data(), stream);
  }
  void operator()(const Activation& op) const {
    device::unfused::activation(tensor(op.in), op.slope, tensor(op.out), mode.precision, stream);
  }
  void operator()(const ActivationGradient& op) const {
    device::unfused::activation_gradient(tensor(op.output_gradient), tensor(op.activated), op.slope, target(op.to),
                                         mode.precision, stream);
  }
  void operator()(const MaxPool& op) const {
    device::unfused::maxpool2(tensor(op.in), tensor(op.out), positions(op.argmax), mode.precision, stream);
  }
  void operator()(const MaxPoolGradient& op) const {
    device::unfused::maxpool2_gradient(tensor(op.output_gradient), positions(op.argmax), target(op.to), mode.precision,
                                       stream);
  }
  void operator()(const BlurPool& op) const {
    device::unfused::blurpool2(tensor(op.in), tensor(op.out), mode.precision, stream);
  }
  void operator()(const BlurPoolGradient& op) const {
    device::unfused::blurpool2_gradient(tensor(op.output_gradient), tensor(op.in), target(op.to), mode.precision,
                                        stream);
  }
  void operator()(const Upsample& op) const {
    device::unfused::upsample2(tensor(op.in), tensor(op.out), mode.precision, stream);
  }
  void operator()(const UpsampleGradient& op) const {
    device::unfused::upsample2_gradient(tensor(op.output_gradient), target(op.to), mode.precision, stream);
  }
  void operator()(const Concat& op) const {
    device::unfused::concat(tensor(op.first), tensor(op.second), tensor(op.out), mode.precision, stream);
  }
  void operator()(const ConcatGradient& op) const {
    const DeviceTensor from = tensor(op.output_gradient);
    if (op.first.gradient != kNone) device::unfused::concat_gradient(from, 0, target(op.first), mode.precision, stream);
    if (op.second.gradient == kNone) return;
    const ConvGradientTarget second = target(op.second);
    device::unfused::concat_gradient(from, from.shape.channels - second.gradient.shape.channels, second, mode.precision,
                                     stream);
  }
  void operator()(const AddPlane& op) const {
    device::unfused::add_plane(tensor(op.in), tensor(op.source), op.channel, tensor(op.out), mode.precision, stream);
  }
  void operator()(const AddPlaneGradient& op) const {
    device::unfused::copy_gradient(tensor(op.output_gradient), target(op.to), mode.precision, stream);
  }
};

/// Memory that each kind of operation needs beside its tensors.
struct MemoryOnGpu {
  const Graph& graph;
  const Extents& extents;
  const ConvMode& mode;

  template <typename Op>
  OperationMemory convolution(const Op& op, ConvPass pass) const {
    const ConvBytes bytes = device::conv3x3_bytes(layer_of(graph, extents, op), pass, mode);
    return {bytes.packed, bytes.scratch};
  }

  OperationMemory operator()(const Convolution& op) const { return convolution(op, ConvPass::forward); }
  OperationMemory operator()(const ConvolutionDataGradient& op) const {
    return convolution(op, ConvPass::data_gradient);
  }
  OperationMemory operator()(const ConvolutionWeightGradient& op) const {
    return convolution(op, ConvPass::weight_gradient);
  }
  OperationMemory operator()(const MeanSquaredError& op) const {
    const Value& prediction = graph.values.at(static_cast<std::size_t>(op.prediction));
    return {0, device::mean_squared_error_scratch_bytes(shape_of(prediction, extents))};
  }
  template <UnfusedOperation Op>
  OperationMemory operator()(const Op&) const {
    return {};
  }
};

}  // namespace

OperationMemory cuda_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                      const ConvMode& mode) {
  return std::visit(MemoryOnGpu{graph, extents, mode}, operation);
}

void pack_on_gpu(const Graph& graph, const Extents& extents, const Binding& binding,
                 std::span<const std::span<std::byte>> packed, const GpuLaunch& launch) {
  device::conv3x3_pack(conv_packings(graph, extents, binding, packed), launch.mode, launch.stream);
}

void run_on_gpu(const Operation& operation, const Binding& binding, const GpuLaunch& launch) {
  std::visit(RunOnGpu{binding, launch.mode, launch.loss_scale, launch.stream}, operation);
}

}  // namespace n2s
