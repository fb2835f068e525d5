// The backend that runs everywhere: fp32 on the processor, SIMD chosen at run time, a pool of threads.
#pragma once

#include "engine/runtime/backend.h"
#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/cpu/cpu.h"

namespace n2s {

struct CpuBackendOptions {
  int threads = 0;  // 0: one per usable processor
  Conv3x3Variant variant = Conv3x3Variant::automatic;
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
  std::size_t packed_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const override;
  std::size_t scratch_bytes(const Graph& graph, const Operation& operation, const Extents& extents) const override;
  void pack(const Graph& graph, const Operation& operation, const Extents& extents, const Binding& binding) override;
  void run(const Operation& operation, const Binding& binding) override;
  void adam(const AdamUpdate<float>& update) override;
  void prepare_adam(const AdamSettings&, long) override {}
  bool records() const override { return false; }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  std::unique_ptr<DeviceBatchSource> device_batches(const BatchRequest& request) override;
  int busy_pixels() const override { return 1 << 16; }
  std::unique_ptr<StackTiles> stack_tiles(const TileRequest& request) override;
  bool restore_measured(const MeasuredPlanes&, std::string&) override { return false; }
  bool measure(const Measurement&, std::string&) override { return false; }
  std::unique_ptr<Moment> mark() override;
  double milliseconds(const Moment& from, const Moment& to) override;
  LossScaling loss_scaling() const override { return {}; }
  void set_loss_scaling(const LossScaling&) override {}

 private:
  CpuBackendOptions options_;
  ThreadPool pool_;
};

/// "Intel(R) Xeon(R) Processor @ 2.50GHz", or the architecture where the system does not say.
std::string processor_name();

}  // namespace n2s
