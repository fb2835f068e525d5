// A visitor with one function per kind of operation; the compiler asks for one where a kind is new.
#include "engine/cpu/cpu_operations.h"

#include <cstdint>

#include "engine/runtime/conv_problems.h"
#include "engine/runtime/geometry.h"
#include "kernels/mse/mse.h"
#include "kernels/unfused/unfused.h"

namespace n2s {
namespace {

/// Runs each kind of operation: turns identifiers into views and calls the kernel.
struct RunOnCpu {
  const Binding& binding;
  CpuConvVariant variant;
  ThreadPool& pool;

  FloatTensor tensor(ValueId id) const {
    return id == kNone ? FloatTensor{} : FloatTensor{static_cast<float*>(binding.data(id)), binding.shape(id)};
  }
  Tensor<std::uint8_t> argmax(ValueId id) const {
    if (id == kNone) return {};
    return {static_cast<std::uint8_t*>(binding.data(id)), binding.shape(id)};
  }
  ConvGradientTarget target(const GradientTarget& to) const { return problems().target(to); }
  ConvProblems<RunOnCpu> problems() const { return {binding, *this}; }

  void operator()(const Convolution& op) const { conv3x3_forward_cpu(problems()(op), variant, pool); }
  void operator()(const ConvolutionDataGradient& op) const { conv3x3_data_gradient_cpu(problems()(op), variant, pool); }
  void operator()(const ConvolutionWeightGradient& op) const {
    conv3x3_weight_gradient_cpu(problems()(op), variant, pool);
  }
  void operator()(const MeanSquaredError& op) const {
    const auto error =
        op.is_masked
            ? masked_mean_squared_error
            : static_cast<double (*)(ConstFloatTensor, ConstFloatTensor, FloatTensor, ThreadPool&)>(mean_squared_error);
    *binding.loss = error(tensor(op.prediction), tensor(op.target), tensor(op.to.gradient), pool);
  }
  void operator()(const Activation& op) const { unfused::activation(tensor(op.in), op.slope, tensor(op.out), pool); }
  void operator()(const ActivationGradient& op) const {
    unfused::activation_gradient(tensor(op.output_gradient), tensor(op.activated), op.slope, target(op.to), pool);
  }
  void operator()(const MaxPool& op) const {
    unfused::maxpool2(tensor(op.in), tensor(op.out), argmax(op.argmax), pool);
  }
  void operator()(const MaxPoolGradient& op) const {
    unfused::maxpool2_gradient(tensor(op.output_gradient), argmax(op.argmax), target(op.to), pool);
  }
  void operator()(const BlurPool& op) const { unfused::blurpool2(tensor(op.in), tensor(op.out), pool); }
  void operator()(const BlurPoolGradient& op) const {
    unfused::blurpool2_gradient(tensor(op.output_gradient), tensor(op.in), target(op.to), pool);
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

/// Memory that each kind of operation needs beside its tensors.
struct MemoryOnCpu {
  const Graph& graph;
  const Extents& extents;
  CpuConvVariant variant;
  int threads;

  template <typename Op>
  OperationMemory convolution(const Op& op, ConvPass pass) const {
    const ConvBytes bytes = conv3x3_bytes_cpu(layer_of(graph, extents, op), pass, variant, threads);
    return {bytes.packed, bytes.scratch};
  }

  OperationMemory operator()(const Convolution& op) const { return convolution(op, ConvPass::forward); }
  OperationMemory operator()(const ConvolutionDataGradient& op) const {
    return convolution(op, ConvPass::data_gradient);
  }
  OperationMemory operator()(const ConvolutionWeightGradient& op) const {
    return convolution(op, ConvPass::weight_gradient);
  }
  OperationMemory operator()(const MeanSquaredError&) const { return {}; }
  template <UnfusedOperation Op>
  OperationMemory operator()(const Op&) const {
    return {};
  }
};

}  // namespace

OperationMemory cpu_operation_memory(const Graph& graph, const Operation& operation, const Extents& extents,
                                     CpuConvVariant variant, int threads) {
  return std::visit(MemoryOnCpu{graph, extents, variant, threads}, operation);
}

void pack_on_cpu(const Graph& graph, const Extents& extents, const Binding& binding,
                 std::span<const std::span<std::byte>> packed, CpuConvVariant variant, ThreadPool& pool) {
  for (const ConvPacking& packing : conv_packings(graph, extents, binding, packed))
    conv3x3_pack_cpu(packing, variant, pool);
}

void run_on_cpu(const Operation& operation, const Binding& binding, CpuConvVariant variant, ThreadPool& pool) {
  std::visit(RunOnCpu{binding, variant, pool}, operation);
}

}  // namespace n2s
