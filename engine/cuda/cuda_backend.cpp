// One stream carries all work of the backend: copies, kernels, captured steps. Nothing waits but what the host reads.
#include "engine/cuda/cuda_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "engine/cuda/cuda_context.h"
#include "engine/cuda/cuda_memory.h"
#include "engine/cuda/cuda_operations.h"
#include "engine/cuda/nccl_sums.h"
#include "engine/runtime/geometry.h"
#include "kernels/adam/cuda.h"
#include "kernels/base/error.h"
#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/conv3x3/cuda/libraries.h"
#include "kernels/convert/cuda.h"
#include "kernels/device/ceilings.h"
#include "kernels/device/check.h"
#include "kernels/device/device_info.h"

namespace n2s {
namespace {

using device::check;
using device::ConvMode;
using device::ConvVariant;
using device::Precision;

constexpr float kFirstLossScale = 1024;  // halved at the first overflow

Precision parse_precision(const std::string& name) {
  const auto* const found = std::ranges::find(device::kPrecisionNames, name);
  if (found != device::kPrecisionNames.end())
    return static_cast<Precision>(std::distance(device::kPrecisionNames.begin(), found));
  throw Error(
      fmt::format("there is no precision '{}': choose one of {}", name, fmt::join(device::kPrecisionNames, ", ")));
}

/// The precision and the variant that the options ask for, where the GPU can run them.
ConvMode conv_mode(const CudaOptions& options, int compute_capability, int gpu) {
  const Precision precision = parse_precision(options.precision);
  const ConvVariant automatic = device::default_variant(precision, compute_capability, gpu);
  if (options.variant == "auto") return {precision, automatic};
  std::string possible;
  for (const device::ConvVariantRow& row : device::conv_variants()) {
    if (!device::can_run(row.variant, precision, compute_capability)) continue;
    if (options.variant == row.name) return {precision, row.variant};
    possible += fmt::format(", {}", row.name);
  }
  throw Error(fmt::format("there is no convolution variant '{}' in {} on this GPU: choose auto{}", options.variant,
                          options.precision, possible));
}

class CapturedCudaGraph final : public CapturedGraph {
 public:
  CapturedCudaGraph(CudaGraphExec graph, cudaStream_t stream) : graph_(std::move(graph)), stream_(stream) {}
  void replay() override { check(cudaGraphLaunch(graph_.get(), stream_), "replaying a captured step"); }

 private:
  CudaGraphExec graph_;
  cudaStream_t stream_;
};

struct TimingEvent final : Event {
  explicit TimingEvent(CudaEvent recorded) : event(std::move(recorded)) {}
  CudaEvent event;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(const CudaOptions& options, int compute_capability, int gpu) : options_(options) {
    check(cudaSetDevice(options.device), "choosing the GPU");
    check(cudaGetDeviceProperties(&properties_, options.device), "asking for the GPU's properties");
    mode_ = conv_mode(options, compute_capability, gpu);
    stream_ = cuda_stream();
    libraries_ = std::make_unique<device::ConvLibraries>(mode_);
    adam_step_ = cuda_array<device::AdamStep>(1);
    loss_scale_ = cuda_array<device::LossScale>(1);
    set_loss_scaling({mode_.precision == Precision::fp16 ? kFirstLossScale : 1, 0});
  }
  ~CudaBackend() override { cudaStreamSynchronize(stream_.get()); }

  std::string description() const override {
    return fmt::format("{} (compute capability {}.{}, {:.1f} GiB), {}{}", properties_.name, properties_.major,
                       properties_.minor, static_cast<double>(properties_.totalGlobalMem) / (1 << 30),
                       options_.precision, options_.variant == "auto" ? "" : " with " + options_.variant);
  }

  Buffer allocate(std::size_t bytes) override {
    return {cuda_allocate(bytes), bytes, [](std::byte* data) { cudaFree(data); }};
  }
  void upload(std::byte* to, std::span<const std::byte> host) override {
    cuda_upload(to, host, stream_.get(), "copying to the GPU");
  }
  void download(std::span<std::byte> host, const std::byte* from) override {
    cuda_download(host, from, stream_.get(), "computing on the GPU");
  }
  void write(const Value&, const Shape& shape, void* to, std::span<const float> host) override {
    float* staging = staging_for(host.size());
    cuda_upload(staging, std::as_bytes(host), stream_.get(), "copying to the GPU");
    device::pad_channels(staging, device::device_tensor(to, shape, mode_.precision), mode_.precision, stream_.get());
  }
  void read(const Value&, const Shape& shape, const void* from, std::span<float> host) override {
    float* staging = staging_for(host.size());
    auto* data = const_cast<void*>(from);  // NOLINT: only read
    device::strip_channels(device::device_tensor(data, shape, mode_.precision), mode_.precision, staging,
                           stream_.get());
    cuda_download(std::as_writable_bytes(host), staging, stream_.get(), "computing on the GPU");
  }
  std::size_t free_bytes() const override {
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free GPU memory");
    return free;
  }

  std::size_t value_bytes(const Value& value, const Extents& extents) const override {
    const Shape shape = shape_of(value, extents);
    return value.type == ValueType::argmax2 ? device::argmax_bytes(shape)
                                            : device::elements_of(shape) * device::element_bytes(mode_.precision);
  }
  OperationMemory operation_memory(const Graph& graph, const Operation& operation,
                                   const Extents& extents) const override {
    return cuda_operation_memory(graph, operation, extents, mode_);
  }

  void pack(const Graph& graph, const Extents& extents, const Binding& binding,
            std::span<const std::span<std::byte>> packed) override {
    pack_on_gpu(graph, extents, binding, packed, {mode_, nullptr, stream_.get()});
  }
  void run(const Operation& operation, const Binding& binding) override {
    run_on_gpu(operation, binding, {mode_, &loss_scale_.get()->scale, stream_.get()});
  }

  void set_adam_step(const AdamSettings& settings, long step) override {
    device::set_adam_step(device::adam_step(settings, step), adam_step_.get(), stream_.get());
  }
  void adam(const ParameterUpdate& u) override {
    device::adam({u.parameters.data(), u.first_moment.data(), u.second_moment.data(), u.gradients.data(),
                  u.parameters.size(), adam_step_.get(), loss_scale_.get(), u.loss},
                 stream_.get());
  }

  std::unique_ptr<DeviceSums> device_sums(Ranks& ranks, std::string& why_none) override {
    return nccl_sums(ranks, stream_.get(), why_none);
  }

  std::unique_ptr<Event> record_event() override {
    cudaEvent_t event = nullptr;
    check(cudaEventCreate(&event), "timing the GPU");
    auto recorded = std::make_unique<TimingEvent>(CudaEvent(event));
    check(cudaEventRecord(event, stream_.get()), "timing the GPU");
    return recorded;
  }
  double milliseconds(const Event& from, const Event& to) override {
    const auto handle = [](const Event& event) { return dynamic_cast<const TimingEvent&>(event).event.get(); };
    float result = 0;
    check(cudaEventSynchronize(handle(to)), "timing the GPU");
    check(cudaEventElapsedTime(&result, handle(from), handle(to)), "timing the GPU");
    return result;
  }

  LossScaling loss_scaling() const override {
    device::LossScale scale;
    cuda_download(std::as_writable_bytes(std::span(&scale, 1)), loss_scale_.get(), stream_.get(),
                  "computing on the GPU");
    return {scale.scale, scale.good_steps};
  }
  void set_loss_scaling(const LossScaling& scaling) override {
    device::LossScale scale;
    if (mode_.precision == Precision::fp16) scale = {scaling.scale, 1, scaling.good_steps, 0, 0};
    cuda_upload(loss_scale_.get(), std::as_bytes(std::span(&scale, 1)), stream_.get(), "copying to the GPU");
  }

  std::unique_ptr<CapturedGraph> capture(const std::function<void()>& work) override {
    libraries_->warm_up(stream_.get());
    check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal), "capturing a step");
    cudaGraph_t captured = nullptr;
    try {
      work();
    } catch (...) {
      cudaStreamEndCapture(stream_.get(), &captured);
      const CudaGraph discarded(captured);
      throw;
    }
    const cudaError_t result = cudaStreamEndCapture(stream_.get(), &captured);
    if (result != cudaSuccess) cudaStreamEndCapture(stream_.get(), &captured);  // in case the capture goes on
    const CudaGraph graph(captured);
    check(result, "capturing a step");
    cudaGraphExec_t instance = nullptr;
    check(cudaGraphInstantiate(&instance, graph.get(), 0), "capturing a step");
    return std::make_unique<CapturedCudaGraph>(CudaGraphExec(instance), stream_.get());
  }

  CudaContext context() const { return {stream_.get(), mode_.precision}; }

 private:
  float* staging_for(std::size_t count) {
    if (count > staging_size_) {
      staging_ = nullptr;
      staging_ = cuda_array<float>(count);
      staging_size_ = count;
    }
    return staging_.get();
  }

  CudaOptions options_;
  cudaDeviceProp properties_{};
  ConvMode mode_;
  CudaStream stream_;
  std::unique_ptr<device::ConvLibraries> libraries_;
  CudaArray<device::AdamStep> adam_step_;
  CudaArray<device::LossScale> loss_scale_;
  CudaArray<float> staging_;  // fp32 tensors without padding, on their way in or out
  std::size_t staging_size_ = 0;
};

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  parse_precision(options.precision);
  const device::CudaInfo info = device::cuda_info();
  if (info.devices.empty()) throw Error(fmt::format("cuda:{}: {}: use --device cpu", options.device, info.why_none));
  const auto devices = static_cast<int>(info.devices.size());
  if (options.device < 0 || options.device >= devices)
    throw Error(fmt::format("cuda:{}: there is no such GPU, only {}", options.device,
                            devices == 1 ? "cuda:0" : fmt::format("cuda:0 to cuda:{}", devices - 1)));
  const device::DeviceInfo& gpu = info.devices[static_cast<std::size_t>(options.device)];
  return std::make_unique<CudaBackend>(options, device::kernel_capability(options.device), 10 * gpu.major + gpu.minor);
}

std::vector<std::string> cuda_conv_variants() {
  std::vector<std::string> names;
  for (const device::ConvVariantRow& row : device::conv_variants()) names.emplace_back(row.name);
  return names;
}

CudaContext cuda_context(const Backend& backend) {
  return dynamic_cast<const CudaBackend&>(backend).context();
}

CudaCeilings cuda_ceilings(const CudaOptions& options) {
  check(cudaSetDevice(options.device), "choosing the GPU");
  const CudaStream stream = cuda_stream();
  const device::DeviceCeilings found = device::measure_ceilings(
      parse_precision(options.precision), device::kernel_capability(options.device), stream.get());
  return {1000 * found.tflops, found.gbytes_per_second};
}

}  // namespace n2s
