// The backend that runs everywhere: fp32 on the CPU, SIMD chosen at run time, a pool of threads.
#pragma once

#include "engine/runtime/backend.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/cpu/cpu.h"

namespace n2s {

struct CpuBackendOptions {
  int threads = 0;  // 0: one per usable core
  CpuConvVariant variant = CpuConvVariant::automatic;
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuBackendOptions& options = {});

  ThreadPool& pool() { return pool_; }

  std::string description() const override;
  Buffer allocate(std::size_t bytes) override;
  void upload(std::byte* device, std::span<const std::byte> host) override;
  void download(std::span<std::byte> host, const std::byte* device) override;
  void write(const Value& value, const Shape& shape, void* device, std::span<const float> host) override;
  void read(const Value& value, const Shape& shape, const void* device, std::span<float> host) override;
  std::size_t free_bytes() const override;
  std::size_t value_bytes(const Value& value, const Extents& extents) const override;
  OperationMemory operation_memory(const Graph& graph, const Operation& operation,
                                   const Extents& extents) const override;
  void pack(const Graph& graph, const Extents& extents, const Binding& binding,
            std::span<const std::span<std::byte>> packed) override;
  void run(const Operation& operation, const Binding& binding) override;
  void set_adam_step(const AdamSettings& settings, long step) override;
  void adam(const ParameterUpdate& update) override;
  LossScaling loss_scaling() const override { return {}; }
  void set_loss_scaling(const LossScaling&) override {}
  std::unique_ptr<CapturedGraph> capture(const std::function<void()>&) override { return nullptr; }
  std::unique_ptr<DeviceSums> device_sums(Ranks&, std::string&) override { return nullptr; }

  std::unique_ptr<Event> record_event() override;
  double milliseconds(const Event& from, const Event& to) override;

 private:
  CpuBackendOptions options_;
  ThreadPool pool_;
  AdamSettings adam_settings_;
  long adam_step_ = 1;
};

}  // namespace n2s
