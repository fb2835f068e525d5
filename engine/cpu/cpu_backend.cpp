// Memory, timing and Adam on the CPU. Work is done when a call returns, so there is nothing to capture or wait for.
#include "engine/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>

#include "engine/cpu/cpu_operations.h"
#include "engine/runtime/geometry.h"
#include "kernels/base/error.h"
#include "kernels/base/host_memory.h"
#include "kernels/base/simd.h"

namespace n2s {
namespace {

constexpr std::align_val_t kBlockAlignment{256};

/// Work is done when a call returns, so an event is a time.
struct ClockEvent final : Event {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
};

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
  return fmt::format("CPU ({}, {}, {} thread{}{})", cpu_name(), simd_name(), pool_.threads(),
                     pool_.threads() == 1 ? "" : "s",
                     options_.variant == CpuConvVariant::bf16 ? ", products in bf16" : "");
}

Buffer CpuBackend::allocate(std::size_t bytes) {
  try {
    auto* data = static_cast<std::byte*>(::operator new(bytes, kBlockAlignment));
    return {data, bytes, [](std::byte* p) { ::operator delete(p, kBlockAlignment); }};
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
  return available_memory();
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
  return cpu_operation_memory(graph, operation, extents, options_.variant, pool_.threads());
}

void CpuBackend::pack(const Graph& graph, const Extents& extents, const Binding& binding,
                      std::span<const std::span<std::byte>> packed) {
  pack_on_cpu(graph, extents, binding, packed, options_.variant, pool_);
}

void CpuBackend::run(const Operation& operation, const Binding& binding) {
  run_on_cpu(operation, binding, options_.variant, pool_);
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
