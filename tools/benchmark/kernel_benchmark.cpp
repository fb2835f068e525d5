// Times the CPU's conv3x3 variants and prints a table or JSON.
#include "tools/benchmark/kernel_benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/conv3x3/cpu/bf16_products.h"
#include "kernels/conv3x3/cpu/cpu.h"
#include "tools/benchmark/layer_shapes.h"
#include "tools/clock.h"
#include "tools/json_output.h"

namespace n2s {
namespace {

using Pass = ConvPass;
constexpr const char* kPassNames[] = {"forward", "data gradient", "weight gradient"};

template <typename T>
std::vector<T> random_values(std::ptrdiff_t count, std::uint32_t item) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = random_uniform({7, Purpose::test, 0, item, 0}, static_cast<std::uint32_t>(i)) - 0.5F;
  return values;
}

/// 64-byte aligned scratch memory.
struct Aligned {
  explicit Aligned(std::size_t bytes) : storage(bytes + 64) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());  // NOLINT: alignment
    view = std::span(storage).subspan((64 - address % 64) % 64, bytes);
  }
  std::vector<std::byte> storage;
  std::span<std::byte> view;
};

/// All tensors of one layer, in float or double, from the same random numbers.
template <typename T>
struct Tensors {
  explicit Tensors(const Conv3x3Layer& l)
      : low_shape{l.batch, l.height / 2, l.width / 2, l.low_channels},
        skip_shape{l.batch, l.height, l.width, l.skip_channels},
        out_shape{l.batch, l.height, l.width, l.out_channels},
        low(random_values<T>(low_shape.elements(), 0)),
        skip(random_values<T>(skip_shape.elements(), 1)),
        weight(random_values<T>(std::ptrdiff_t{9} * (l.low_channels + l.skip_channels) * l.out_channels, 2)),
        bias(random_values<T>(l.out_channels, 3)),
        output_gradient(random_values<T>(out_shape.elements(), 4)),
        out(output_gradient.size()),
        low_gradient(low.size()),
        skip_gradient(skip.size()),
        weight_gradient(weight.size()),
        bias_gradient(bias.size()) {}

  ConvSource source() {
    ConvSource s;
    if (!low.empty()) s.low = {low.data(), low_shape};
    if (!skip.empty()) s.skip = {skip.data(), skip_shape};
    return s;
  }
  Conv3x3Forward forward() {
    Conv3x3Forward p;
    p.source = source();
    p.weight = weight.data();
    p.bias = bias.data();
    p.slope = static_cast<T>(0.1);
    p.out = {out.data(), out_shape};
    return p;
  }
  Conv3x3DataGradient data_gradient() {
    Conv3x3DataGradient p;
    p.output_gradient.dense = {output_gradient.data(), out_shape};
    p.weight = weight.data();
    p.low_channels = low_shape.channels;
    p.skip_channels = skip_shape.channels;
    if (!low.empty()) p.low.gradient = {low_gradient.data(), low_shape};
    if (!skip.empty()) p.skip.gradient = {skip_gradient.data(), skip_shape};
    return p;
  }
  Conv3x3WeightGradient weight_gradient_problem() {
    return {source(), {{output_gradient.data(), out_shape}, {}, {}}, weight_gradient.data(), bias_gradient.data()};
  }

  Shape low_shape, skip_shape, out_shape;
  std::vector<T> low, skip, weight, bias, output_gradient, out, low_gradient, skip_gradient, weight_gradient,
      bias_gradient;
};

template <typename T>
std::vector<T> result(const Tensors<T>& t, Pass pass) {
  if (pass == Pass::forward) return t.out;
  if (pass == Pass::weight_gradient) return t.weight_gradient;
  std::vector<T> both = t.low_gradient;
  both.insert(both.end(), t.skip_gradient.begin(), t.skip_gradient.end());
  return both;
}

/// The pass with its packed weights and scratch memory at hand.
class LayerWork {
 public:
  LayerWork(const Conv3x3Layer& layer, CpuConvVariant variant, Pass pass, ThreadPool& pool)
      : tensors(layer),
        variant_(variant),
        pass_(pass),
        pool_(pool),
        packed_(conv3x3_bytes_cpu(layer, pass, variant, pool.threads()).packed),
        scratch_(conv3x3_bytes_cpu(layer, pass, variant, pool.threads()).scratch) {
    if (pass != Pass::weight_gradient)
      conv3x3_pack_cpu({layer, pass, tensors.weight.data(), packed_.view}, variant, pool);
  }
  void run() {
    if (pass_ == Pass::forward) {
      Conv3x3Forward p = tensors.forward();
      p.packed = packed_.view;
      p.scratch = scratch_.view;
      conv3x3_forward_cpu(p, variant_, pool_);
    } else if (pass_ == Pass::data_gradient) {
      Conv3x3DataGradient p = tensors.data_gradient();
      p.packed = packed_.view;
      p.scratch = scratch_.view;
      conv3x3_data_gradient_cpu(p, variant_, pool_);
    } else {
      Conv3x3WeightGradient p = tensors.weight_gradient_problem();
      p.scratch = scratch_.view;
      conv3x3_weight_gradient_cpu(p, variant_, pool_);
    }
  }
  Tensors<float> tensors;

 private:
  CpuConvVariant variant_;
  Pass pass_;
  ThreadPool& pool_;
  Aligned packed_, scratch_;
};

double milliseconds(LayerWork& work, double seconds) {
  work.run();
  std::vector<double> times;
  for (const auto start = Clock::now(); times.size() < 3 || seconds_since(start) < seconds;) {
    const auto before = Clock::now();
    work.run();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - before).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

/// Normalised squared error against the reference, on a small image with the layer's channels.
double error(const Conv3x3Layer& layer, CpuConvVariant variant, Pass pass, ThreadPool& pool) {
  Conv3x3Layer small = layer;
  small.height = small.width = std::min(14, layer.height);
  LayerWork work(small, variant, pass, pool);
  work.run();
  Tensors<double> reference(small);
  if (pass == Pass::forward) conv3x3_forward_reference(reference.forward());
  if (pass == Pass::data_gradient) conv3x3_data_gradient_reference(reference.data_gradient());
  if (pass == Pass::weight_gradient) conv3x3_weight_gradient_reference(reference.weight_gradient_problem());
  const std::vector<float> ours = result(work.tensors, pass);
  const std::vector<double> exact = result(reference, pass);
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    difference += (ours[i] - exact[i]) * (ours[i] - exact[i]);
    size += exact[i] * exact[i];
  }
  return difference / size;
}

/// Fewest bytes a pass can move: each tensor once.
double bytes(const Conv3x3Layer& l) {
  const double pixels = static_cast<double>(l.batch) * l.height * l.width;
  return 4 * (pixels * (0.25 * l.low_channels + l.skip_channels + l.out_channels) +
              9.0 * (l.low_channels + l.skip_channels) * l.out_channels);
}

}  // namespace

void run_kernel_benchmark(const std::string& operation, const KernelBenchmarkOptions& options, const Ceilings& ceilings,
                          ThreadPool& pool) {
  const std::vector<LayerShape> shapes = layer_shapes({1, 256, 256});
  nlohmann::json rows = nlohmann::json::array();
  if (!options.json)
    fmt::print("{:<24}{:<17}{:<10}{:>9}{:>10}{:>9}{:>12}{:>10}\n", "layer", "pass", "variant", "ms", "GFLOP/s", "GB/s",
               "of ceiling", "NMSE");
  for (const LayerShape& shape : shapes)
    for (const Pass pass : {Pass::forward, Pass::data_gradient, Pass::weight_gradient})
      for (const auto& [variant, name] :
           {std::pair{CpuConvVariant::direct, "direct"}, std::pair{CpuConvVariant::winograd, "winograd"},
            std::pair{CpuConvVariant::bf16, "bf16"}}) {
        if (variant == CpuConvVariant::bf16 && !bf16::has_instruction()) continue;
        const Conv3x3Layer& l = shape.layer;
        LayerWork work(l, variant, pass, pool);
        const double ms = milliseconds(work, options.seconds);
        const double gflop = 18.0 * (l.low_channels + l.skip_channels) * l.out_channels * l.height * l.width / 1e9;
        const double floor_ms = 1000 * std::max(gflop / ceilings.gflops, bytes(l) / 1e9 / ceilings.gbytes_per_second);
        const double nmse = error(l, variant, pass, pool);
        const char* pass_name = kPassNames[static_cast<int>(pass)];
        rows.push_back({{"layer", shape.name},
                        {"pass", pass_name},
                        {"variant", name},
                        {"ms", ms},
                        {"gflops", gflop / ms * 1000},
                        {"gbytes_per_second", bytes(l) / 1e6 / ms},
                        {"share_of_ceiling", floor_ms / ms},
                        {"nmse", nmse}});
        if (!options.json)
          fmt::print("{:<24}{:<17}{:<10}{:>9.3f}{:>10.1f}{:>9.1f}{:>11.0f}%{:>10.1e}\n", shape.name, pass_name, name,
                     ms, gflop / ms * 1000, bytes(l) / 1e6 / ms, 100 * floor_ms / ms, nmse);
      }
  if (options.json) print_json({{"op", operation}, {"results", rows}});
}

}  // namespace n2s
