#include "engine/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>

#include "engine/runtime/geometry.h"
#include "kernels/base/error.h"
#include "kernels/base/simd.h"
#include "kernels/mse/mse.h"
#include "kernels/unfused/unfused.h"

namespace n2s {
namespace {

constexpr std::align_val_t kAlignment{256};

/// Work is done when a call returns, so an event is a time.
struct ClockEvent final : Event {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
};

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
  ConvOutputGradient output_gradient(const Upstream& from) const {
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
    problem.output_gradient = output_gradient(op.upstream);
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
    problem.output_gradient = output_gradient(op.upstream);
    problem.weight_gradient = layer(op.layer).weight_gradient;
    problem.bias_gradient = layer(op.layer).bias_gradient;
    problem.scratch = binding.scratch;
    conv3x3_weight_gradient_cpu(problem, variant, pool);
  }
  void operator()(const MeanSquaredError& op) const {
    *binding.loss = mean_squared_error(tensor(op.prediction), tensor(op.target), tensor(op.to.gradient), pool);
  }
  void operator()(const Activation& op) const {
    unfused::activation<float>(tensor(op.in), op.slope, tensor(op.out), pool);
  }
  void operator()(const ActivationGradient& op) const {
    unfused::activation_gradient<float>(tensor(op.upstream), tensor(op.activated), op.slope, target(op.to), pool);
  }
  void operator()(const MaxPool& op) const {
    unfused::maxpool2<float>(tensor(op.in), tensor(op.out), indices(op.argmax), pool);
  }
  void operator()(const MaxPoolGradient& op) const {
    unfused::maxpool2_gradient<float>(tensor(op.upstream), indices(op.argmax), target(op.to), pool);
  }
  void operator()(const Upsample& op) const { unfused::upsample2<float>(tensor(op.in), tensor(op.out), pool); }
  void operator()(const UpsampleGradient& op) const {
    unfused::upsample2_gradient<float>(tensor(op.upstream), target(op.to), pool);
  }
  void operator()(const Concat& op) const {
    unfused::concat<float>(tensor(op.first), tensor(op.second), tensor(op.out), pool);
  }
  void operator()(const ConcatGradient& op) const {
    const FloatTensor from = tensor(op.upstream);
    const int first = op.first.gradient != kNone ? binding.shape(op.first.gradient).channels
                                                 : from.shape.channels - binding.shape(op.second.gradient).channels;
    unfused::concat_gradient<float>(from, target(op.first), target(op.second), first, pool);
  }
  void operator()(const AddPlane& op) const {
    unfused::add_plane<float>(tensor(op.in), tensor(op.source), op.channel, tensor(op.out), pool);
  }
  void operator()(const AddPlaneGradient& op) const {
    unfused::copy_gradient<float>(tensor(op.upstream), target(op.to), pool);
  }
};

/// Packed weights and scratch memory of a convolution; none for other operations.
ConvBytes conv_bytes(const Graph& graph, const Operation& operation, const Extents& extents, Conv3x3Variant variant,
                     int threads) {
  if (const auto* op = std::get_if<Convolution>(&operation))
    return conv3x3_bytes_cpu(layer_of(graph, extents, *op), ConvPass::forward, variant, threads);
  if (const auto* op = std::get_if<ConvolutionDataGradient>(&operation))
    return conv3x3_bytes_cpu(layer_of(graph, extents, *op), ConvPass::data_gradient, variant, threads);
  if (const auto* op = std::get_if<ConvolutionWeightGradient>(&operation))
    return conv3x3_bytes_cpu(layer_of(graph, extents, *op), ConvPass::weight_gradient, variant, threads);
  return {};
}

/// "Intel(R) Xeon(R) Processor @ 2.50GHz", or the architecture where the system does not say.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const auto colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
#if defined(__aarch64__)
  return "64-bit Arm CPU";
#else
  return "unknown CPU";
#endif
}

}  // namespace

CpuBackend::CpuBackend(const CpuBackendOptions& options) : options_(options), pool_(options.threads) {}

std::string CpuBackend::description() const {
  return fmt::format("CPU ({}, {}, {} thread{})", cpu_name(), simd_name(), pool_.threads(),
                     pool_.threads() == 1 ? "" : "s");
}

Buffer CpuBackend::allocate(std::size_t bytes) {
  try {
    auto* data = static_cast<std::byte*>(::operator new(bytes, kAlignment));
    return {data, bytes, [](std::byte* p) { ::operator delete(p, kAlignment); }};
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format(
        "out of memory: cannot allocate {:.2f} GiB (free: {:.2f} GiB); use a smaller --batch, --crop or --tile",
        static_cast<double>(bytes) / (1 << 30), static_cast<double>(free_bytes()) / (1 << 30)));
  }
}

void CpuBackend::upload(std::byte* device, std::span<const std::byte> host) {
  std::memcpy(device, host.data(), host.size());
}

void CpuBackend::download(std::span<std::byte> host, const std::byte* device) {
  std::memcpy(host.data(), device, host.size());
}

void CpuBackend::write(const Value&, const Shape&, void* device, std::span<const float> host) {
  std::memcpy(device, host.data(), host.size_bytes());
}

void CpuBackend::read(const Value&, const Shape&, const void* device, std::span<float> host) {
  std::memcpy(host.data(), device, host.size_bytes());
}

std::size_t CpuBackend::free_bytes() const {
  const long pages = sysconf(_SC_AVPHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                               : std::size_t{2} << 30;
}

std::unique_ptr<Event> CpuBackend::record_event() {
  return std::make_unique<ClockEvent>();
}

double CpuBackend::milliseconds(const Event& from, const Event& to) {
  const auto time = [](const Event& event) { return dynamic_cast<const ClockEvent&>(event).time; };
  return std::chrono::duration<double, std::milli>(time(to) - time(from)).count();
}

std::size_t CpuBackend::value_bytes(const Value& value, const Extents& extents) const {
  const auto elements = static_cast<std::size_t>(shape_of(value, extents).elements());
  return value.type == ValueType::argmax2 ? elements : elements * sizeof(float);
}

OperationMemory CpuBackend::operation_memory(const Graph& graph, const Operation& operation,
                                             const Extents& extents) const {
  const ConvBytes bytes = conv_bytes(graph, operation, extents, options_.variant, pool_.threads());
  return {bytes.packed, bytes.scratch};
}

void CpuBackend::pack(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding) {
  const auto weight = [&](LayerId id) { return binding.layers.at(static_cast<std::size_t>(id)).weight; };
  if (const auto* conv = std::get_if<Convolution>(&operation))
    conv3x3_pack_cpu(layer_of(graph, extents, *conv), ConvPass::forward, options_.variant, weight(conv->layer),
                     binding.packed, pool_);
  if (const auto* gradient = std::get_if<ConvolutionDataGradient>(&operation))
    conv3x3_pack_cpu(layer_of(graph, extents, *gradient), ConvPass::data_gradient, options_.variant,
                     weight(gradient->layer), binding.packed, pool_);
}

void CpuBackend::run(const Operation& operation, const Binding& binding) {
  std::visit(RunOnCpu{binding, options_.variant, pool_}, operation);
}

void CpuBackend::set_adam_step(const AdamSettings& settings, long step) {
  adam_settings_ = settings;
  adam_step_ = step;
}

void CpuBackend::adam(const ParameterUpdate& u) {
  if (u.loss != nullptr && !std::isfinite(*u.loss)) return;
  adam_cpu({u.parameters, u.first_moment, u.second_moment, u.gradients, adam_settings_, adam_step_}, pool_);
}

}  // namespace n2s
