// Times the GPU's conv3x3 variants and prints a table or JSON.
#include "tools/benchmark/cuda_kernel_benchmark.h"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "engine/cuda/cuda_memory.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"
#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/conv3x3/cuda/libraries.h"
#include "kernels/convert/cuda.h"
#include "kernels/device/ceilings.h"
#include "kernels/device/check.h"
#include "kernels/device/device_info.h"
#include "tools/benchmark/layer_shapes.h"
#include "tools/json_output.h"
#include "tools/standard_streams.h"

namespace n2s {
namespace {

using device::check;
using device::ConvMode;
using device::DeviceTensor;
using device::Precision;

/// A variant in one of its precisions.
struct Mode {
  std::string name;  // "mma fp16"
  ConvMode mode;
};

/// All that the GPU can run, of one variant or of all.
std::vector<Mode> modes(const std::string& variant, int compute_capability) {
  std::vector<Mode> result;
  for (const device::ConvVariantRow& row : device::conv_variants())
    for (const device::ConvPrecision& p : row.precisions)
      if ((variant == "auto" || variant == row.name) && device::can_run(row.variant, p.precision, compute_capability))
        result.push_back({fmt::format("{} {}", row.name, device::name_of(p.precision)), {p.precision, row.variant}});
  if (result.empty())
    throw Error(fmt::format("--variant {}: this GPU, or this build's code for it, cannot run it", variant));
  return result;
}

using Pass = ConvPass;
constexpr const char* kPassNames[] = {"forward", "data gradient", "weight gradient"};

/// Values after which the random numbers repeat: drawing them on the host takes longer than any kernel here. A prime,
/// so that no two rows of pixels are alike.
constexpr std::size_t kPeriod = 1'000'003;

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(shape.elements());
}

std::vector<float> random_values(std::size_t count, std::uint32_t item) {
  std::vector<float> values(count);
  std::uint32_t index = 0;
  for (float& value : values) value = random_uniform({7, Purpose::test, 0, item, 0}, index++) - 0.5F;
  return values;
}

/// A tensor on the GPU with its values as they were stored, that is rounded.
class Tensor {
 public:
  Tensor(const Shape& shape, Precision precision, cudaStream_t stream)
      : shape_(shape), precision_(precision), stream_(stream) {
    if (shape.elements() > 0)
      memory_ = cuda_array<std::byte>(device::elements_of(shape) * device::element_bytes(precision));
  }
  void randomise(std::uint32_t item) {
    if (!memory_) return;
    const std::size_t count = count_of(shape_);
    const std::vector<float> values = random_values(std::min(count, kPeriod), item);
    const CudaArray<float> plain = cuda_array<float>(count);
    cuda_upload(plain.get(), std::as_bytes(std::span(values)), stream_, "kernel benchmark");
    for (std::size_t filled = values.size(); filled < count; filled *= 2)
      check(cudaMemcpyAsync(plain.get() + filled, plain.get(), std::min(filled, count - filled) * sizeof(float),
                            cudaMemcpyDeviceToDevice, stream_),
            "kernel benchmark");
    device::pad_channels(plain.get(), view(), precision_, stream_);
    cuda_wait(stream_, "kernel benchmark");
  }
  DeviceTensor view() const { return device::device_tensor(memory_.get(), shape_, precision_); }
  const Shape& shape() const { return shape_; }
  std::vector<float> values() const {
    std::vector<float> values(count_of(shape_));
    if (!memory_) return values;
    const CudaArray<float> plain = cuda_array<float>(values.size());
    device::strip_channels(view(), precision_, plain.get(), stream_);
    cuda_download(std::as_writable_bytes(std::span(values)), plain.get(), stream_, "kernel benchmark");
    return values;
  }

 private:
  Shape shape_;
  Precision precision_;
  cudaStream_t stream_;
  CudaArray<std::byte> memory_;
};

Shape half(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height / 2, l.width / 2, channels};
}
Shape full(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height, l.width, channels};
}
Shape weight_shape(const Conv3x3Layer& l) {
  return {l.out_channels, 3, 3, l.low_channels + l.skip_channels};  // as many values as OIHW has
}

/// One pass over one layer with all that it needs in device memory.
class LayerWork {
 public:
  LayerWork(const Conv3x3Layer& layer, const ConvMode& mode, Pass pass, cudaStream_t stream)
      : layer_(layer),
        mode_(mode),
        pass_(pass),
        stream_(stream),
        low_(half(layer, layer.low_channels), mode.precision, stream),
        skip_(full(layer, layer.skip_channels), mode.precision, stream),
        out_(full(layer, layer.out_channels), mode.precision, stream),
        low_gradient_(low_.shape(), mode.precision, stream),
        skip_gradient_(skip_.shape(), mode.precision, stream),
        weight_(weight_shape(layer), Precision::fp32, stream),
        plain_weight_(cuda_array<float>(count_of(weight_.shape()))),
        weight_gradient_(cuda_array<float>(count_of(weight_.shape()))),
        bias_gradient_(cuda_array<float>(static_cast<std::size_t>(layer.out_channels))),
        bytes_(device::conv3x3_bytes(layer, pass, mode)),
        packed_(cuda_array<std::byte>(bytes_.packed)),
        scratch_(cuda_array<std::byte>(bytes_.scratch)) {
    low_.randomise(0);
    skip_.randomise(1);
    weight_values_ = random_values(count_of(weight_.shape()), 2);
    out_.randomise(4);
    cuda_upload(plain_weight_.get(), std::as_bytes(std::span(weight_values_)), stream, "kernel benchmark");
    if (pass == Pass::weight_gradient) return;
    const ConvPacking packing{layer, pass, plain_weight_.get(), {packed_.get(), bytes_.packed}};
    device::conv3x3_pack({&packing, 1}, mode, stream);
  }

  void run() {
    const std::span<std::byte> packed(packed_.get(), bytes_.packed);
    const std::span<std::byte> scratch(scratch_.get(), bytes_.scratch);
    if (pass_ == Pass::forward) {
      Conv3x3Forward p;
      p.source = {low_.view(), skip_.view()};
      p.slope = kSlope;
      p.out = out_.view();
      p.packed = packed;
      p.scratch = scratch;
      device::conv3x3_forward(p, mode_, stream_);
    } else if (pass_ == Pass::data_gradient) {
      Conv3x3DataGradient p;
      p.output_gradient.dense = out_.view();
      p.low_channels = layer_.low_channels;
      p.skip_channels = layer_.skip_channels;
      p.low.gradient = low_gradient_.view();
      p.skip.gradient = skip_gradient_.view();
      p.packed = packed;
      p.scratch = scratch;
      device::conv3x3_data_gradient(p, mode_, stream_);
    } else {
      Conv3x3WeightGradient p;
      p.source = {low_.view(), skip_.view()};
      p.output_gradient.dense = out_.view();
      p.weight_gradient = weight_gradient_.get();
      p.bias_gradient = bias_gradient_.get();
      p.scratch = scratch;
      device::conv3x3_weight_gradient(p, mode_, stream_);
    }
  }

  /// Normalised squared error against the reference, which computes on the values as they are stored, that is rounded.
  double error() {
    const auto exact = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
    std::vector<double> low = exact(low_.values());
    std::vector<double> skip = exact(skip_.values());
    const std::vector<double> output_gradient = exact(out_.values());
    std::vector<double> weight = exact(weight_values_);
    run();
    ConvSource source;
    if (!low.empty()) source.low = {low.data(), low_.shape()};
    if (!skip.empty()) source.skip = {skip.data(), skip_.shape()};
    std::vector<double> expected;
    std::vector<float> found;
    if (pass_ == Pass::forward) {
      expected.resize(output_gradient.size());
      Conv3x3Forward p;
      p.source = source;
      p.weight = weight.data();
      p.slope = kSlope;
      p.out = {expected.data(), out_.shape()};
      conv3x3_forward_reference(p);
      found = out_.values();
    } else if (pass_ == Pass::data_gradient) {
      expected.resize(low.size() + skip.size());
      Conv3x3DataGradient p;
      p.output_gradient.dense = {output_gradient.data(), out_.shape()};
      p.weight = weight.data();
      p.low_channels = layer_.low_channels;
      p.skip_channels = layer_.skip_channels;
      if (!low.empty()) p.low.gradient = {expected.data(), low_.shape()};
      if (!skip.empty()) p.skip.gradient = {expected.data() + low.size(), skip_.shape()};
      conv3x3_data_gradient_reference(p);
      found = low_gradient_.values();
      const std::vector<float> rest = skip_gradient_.values();
      found.insert(found.end(), rest.begin(), rest.end());
    } else {
      expected.resize(weight.size());
      std::vector<double> bias(static_cast<std::size_t>(layer_.out_channels));
      conv3x3_weight_gradient_reference(
          {source, {{output_gradient.data(), out_.shape()}, {}, {}}, expected.data(), bias.data()});
      found.resize(expected.size());
      cuda_download(std::as_writable_bytes(std::span(found)), weight_gradient_.get(), stream_, "kernel benchmark");
    }
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      difference += (found[i] - expected[i]) * (found[i] - expected[i]);
      size += expected[i] * expected[i];
    }
    return difference / size;
  }

 private:
  static constexpr float kSlope = 0.125F;

  Conv3x3Layer layer_;
  ConvMode mode_;
  Pass pass_;
  cudaStream_t stream_;
  Tensor low_, skip_, out_, low_gradient_, skip_gradient_, weight_;
  std::vector<float> weight_values_;
  CudaArray<float> plain_weight_, weight_gradient_, bias_gradient_;
  ConvBytes bytes_;
  CudaArray<std::byte> packed_, scratch_;
};

CudaEvent timing_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "kernel benchmark");
  return CudaEvent(event);
}

/// Median over runs of several launches each: a single launch is short compared to its overhead on the host.
template <typename Launch>
double milliseconds(const Launch& launch, double seconds, cudaStream_t stream) {
  constexpr int kLaunches = 10;
  const CudaEvent start = timing_event();
  const CudaEvent end = timing_event();
  const auto time = [&] {
    check(cudaEventRecord(start.get(), stream), "kernel benchmark");
    for (int i = 0; i < kLaunches; ++i) launch();
    check(cudaEventRecord(end.get(), stream), "kernel benchmark");
    check(cudaEventSynchronize(end.get()), "kernel benchmark");
    float elapsed = 0;
    check(cudaEventElapsedTime(&elapsed, start.get(), end.get()), "kernel benchmark");
    return static_cast<double>(elapsed);
  };
  time();
  std::vector<double> times;
  for (double total = 0; times.size() < 3 || total < 1000 * seconds; total += times.back()) times.push_back(time());
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2] / kLaunches;
}

/// TFLOP/s of a large square product by cuBLASLt: more than instructions in registers show, where the library has
/// better ones. 0: it is not installed.
double library_tflops(Precision precision, double seconds, cudaStream_t stream) {
#ifdef N2S_EMULATION
  constexpr int kSide = 32;
#else
  constexpr int kSide = 8192;
#endif
  if (!device::has_cublas()) return 0;
  device::CublasProducts products;
  const device::PatchProduct product{false, precision, kSide, kSide, kSide};
  const std::size_t bytes = std::size_t{kSide} * kSide * device::element_bytes(precision);
  const CudaArray<std::byte> left = cuda_array<std::byte>(bytes);
  const CudaArray<std::byte> right = cuda_array<std::byte>(bytes);
  const CudaArray<std::byte> result = cuda_array<std::byte>(bytes);
  const CudaArray<std::byte> workspace = cuda_array<std::byte>(products.workspace_bytes(product));
  for (const CudaArray<std::byte>* factor : {&left, &right})
    check(cudaMemsetAsync(factor->get(), 0x2E, bytes, stream), "kernel benchmark");  // small numbers
  const auto launch = [&] { products.run(product, {left.get(), right.get(), result.get()}, workspace.get(), stream); };
  return 2.0 * kSide * kSide * kSide / milliseconds(launch, seconds, stream) * 1e-9;
}

/// Fewest bytes a pass can move: each tensor once.
double least_bytes(const Conv3x3Layer& l, Precision precision) {
  const double pixels = static_cast<double>(l.batch) * l.height * l.width;
  const auto stored = [](int channels) { return static_cast<double>(device::padded_channels(channels)); };
  return static_cast<double>(device::element_bytes(precision)) *
         (pixels * (0.25 * stored(l.low_channels) + stored(l.skip_channels) + stored(l.out_channels)) +
          9.0 * (l.low_channels + l.skip_channels) * l.out_channels);
}

/// Where results go: a table, line by line, or one JSON object in the end.
struct Report {
  bool text = false;
  nlohmann::json json;
};

/// One variant in one precision on every layer.
void measure(const Mode& mode, const CudaKernelBenchmarkOptions& options, int compute_capability, Report& report,
             cudaStream_t stream) {
  device::DeviceCeilings ceilings = device::measure_ceilings(mode.mode.precision, compute_capability, stream);
  ceilings.tflops = std::max(ceilings.tflops, library_tflops(mode.mode.precision, options.seconds, stream));
  report.json["ceilings"][mode.name] = {{"tflops", ceilings.tflops}, {"gbytes_per_second", ceilings.gbytes_per_second}};
  if (report.text)
    fmt::print(
        "\n{}: {:.1f} TFLOP/s in matrix products, {:.0f} GB/s copying\n{:<24}{:<17}{:>10}{:>10}{:>9}{:>12}{:>10}\n",
        mode.name, ceilings.tflops, ceilings.gbytes_per_second, "layer", "pass", "ms", "TFLOP/s", "GB/s", "of ceiling",
        "NMSE");
  for (const LayerShape& shape : layer_shapes(options.extents))
    for (const Pass pass : {Pass::forward, Pass::data_gradient, Pass::weight_gradient}) {
      const Conv3x3Layer& l = shape.layer;
      LayerWork work(l, mode.mode, pass, stream);
      const double ms = milliseconds([&] { work.run(); }, options.seconds, stream);
      const double tflop = 18e-12 * (l.low_channels + l.skip_channels) * l.out_channels * static_cast<double>(l.batch) *
                           l.height * l.width;
      const double gbytes = least_bytes(l, mode.mode.precision) / 1e9;
      const double floor_ms = 1000 * std::max(tflop / ceilings.tflops, gbytes / ceilings.gbytes_per_second);
      Conv3x3Layer small = l;
      small.batch = 1;
      small.height = std::min(16, l.height);
      small.width = std::min(16, l.width);
      const double nmse = LayerWork(small, mode.mode, pass, stream).error();
      const char* pass_name = kPassNames[static_cast<int>(pass)];
      report.json["results"].push_back({{"layer", shape.name},
                                        {"pass", pass_name},
                                        {"variant", mode.name},
                                        {"ms", ms},
                                        {"tflops", 1000 * tflop / ms},
                                        {"gbytes_per_second", 1000 * gbytes / ms},
                                        {"share_of_ceiling", floor_ms / ms},
                                        {"nmse", nmse}});
      if (report.text)
        fmt::print("{:<24}{:<17}{:>10.4f}{:>10.2f}{:>9.0f}{:>11.0f}%{:>10.1e}\n", shape.name, pass_name, ms,
                   1000 * tflop / ms, 1000 * gbytes / ms, 100 * floor_ms / ms, nmse);
    }
}

}  // namespace

void run_cuda_kernel_benchmark(const CudaOptions& gpu, const CudaKernelBenchmarkOptions& options) {
  if (gpu.variant == "cudnn") device::cudnn();  // throw with what is missing
  if (gpu.variant == "cublas") device::cublas();
  const std::string name = make_cuda_backend({gpu.device, "fp32", "auto"})->description();  // and checks the GPU
  const int compute_capability = device::kernel_capability(gpu.device);
  const CudaStream stream = cuda_stream();
  Report report{!options.json, {{"op", "conv3x3"}, {"device", name}, {"results", nlohmann::json::array()}}};
  if (report.text)
    fmt::print("{}, {} images of {}x{}\n", name, options.extents.batch, options.extents.height, options.extents.width);
  for (Mode& mode : modes(gpu.variant, compute_capability)) {
    if (device::row_of(mode.mode.variant).library == device::ConvLibrary::none) {
      measure(mode, options, compute_capability, report, stream.get());
      continue;
    }
    if (!device::has_library_of(mode.mode.variant)) continue;
    try {  // a failure of the library must not lose the other variants' results
      const device::ConvLibraries libraries(mode.mode);
      measure(mode, options, compute_capability, report, stream.get());
      cuda_wait(stream.get(), "kernel benchmark");
    } catch (const Error& error) {
      print_note(fmt::format("{}: {}\n", mode.name, error.what()));
    }
  }
  if (options.json) print_json(report.json);
}

}  // namespace n2s
