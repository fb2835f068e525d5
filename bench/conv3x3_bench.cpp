// Kernel laboratory: every layer shape of both nets, every pass and variant: milliseconds and GFLOP/s, counted as the
// multiplications and additions of a direct convolution, 18 * C_in * C_out per output pixel.
// Usage: conv3x3_bench [batch=16] [size=64] [threads=1] [repetitions=5] [layer, e.g. "96+48->96"] [variant]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernels/base/simd.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {
namespace {

struct NetLayer {
  const char* net;
  int level;  // resolution: size >> level
  int low, skip, out;
  bool dense, pooled;  // what the forward pass emits
  int count = 1;
};

const NetLayer kNetLayers[] = {{"mri", 0, 0, 5, 48, true, false},          {"mri", 0, 0, 48, 48, false, true},
                               {"mri", 1, 0, 48, 48, false, true},         {"mri", 2, 0, 48, 48, false, true},
                               {"mri", 3, 0, 48, 48, false, true},         {"mri", 4, 0, 48, 48, false, true},
                               {"mri", 5, 0, 48, 48, true, false},         {"mri", 4, 48, 48, 96, true, false},
                               {"mri", 4, 0, 96, 96, true, false},         {"mri", 3, 96, 48, 96, true, false},
                               {"mri", 3, 0, 96, 96, true, false},         {"mri", 2, 96, 48, 96, true, false},
                               {"mri", 2, 0, 96, 96, true, false},         {"mri", 1, 96, 48, 96, true, false},
                               {"mri", 1, 0, 96, 96, true, false},         {"mri", 0, 96, 5, 64, true, false},
                               {"mri", 0, 0, 64, 32, true, false},         {"mri", 0, 0, 32, 1, true, false},
                               {"microscopy", 0, 0, 2, 32, true, false},   {"microscopy", 0, 0, 32, 32, true, true},
                               {"microscopy", 1, 0, 32, 64, true, false},  {"microscopy", 1, 0, 64, 64, true, true},
                               {"microscopy", 2, 0, 64, 128, true, false}, {"microscopy", 2, 0, 128, 64, true, false},
                               {"microscopy", 1, 64, 64, 64, true, false}, {"microscopy", 1, 0, 64, 32, true, false},
                               {"microscopy", 0, 32, 32, 32, true, false}, {"microscopy", 0, 0, 32, 32, true, false},
                               {"microscopy", 0, 0, 32, 1, true, false}};

/// 64-byte aligned floats with random contents.
class Buffer {
 public:
  explicit Buffer(std::size_t count = 0) : memory_(count + 16), count_(count) {
    std::minstd_rand engine(7);
    for (float& v : memory_) v = static_cast<float>(engine() % 2001) / 1000.0F - 1.0F;
  }
  float* data() {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    return memory_.data() + (64 - address % 64) % 64 / sizeof(float);
  }
  std::span<float> span() { return {data(), count_}; }

 private:
  std::vector<float> memory_;
  std::size_t count_;
};

Buffer buffer(Shape shape) {
  return Buffer(static_cast<std::size_t>(shape.elements()));
}

struct Bench {
  Bench(const NetLayer& n, int batch, int size, Conv3x3Variant v, int threads)
      : layer{batch, std::max(size >> n.level, 1), std::max(size >> n.level, 1), n.low, n.skip, n.out},
        variant(v),
        pool(threads) {
    const Shape full{batch, layer.height, layer.width, 0}, half{batch, layer.height / 2, layer.width / 2, 0};
    shapes = {half, full, full, half};
    const int channels[] = {n.low, n.skip, n.dense ? n.out : 0, n.pooled ? n.out : 0};
    for (std::size_t i = 0; i < 4; ++i) {
      shapes[i].channels = channels[i];
      tensors.push_back(buffer(shapes[i]));
      gradients.push_back(buffer(shapes[i]));
    }
    argmax.assign(static_cast<std::size_t>(shapes[3].elements()), 1);
    const auto weights = static_cast<std::size_t>(9 * (n.low + n.skip) * n.out);
    weight = Buffer(weights);
    bias = Buffer(static_cast<std::size_t>(n.out));
    weight_gradient = Buffer(weights);
    packed = Buffer(conv3x3_forward_packed_size(layer, v));
    gradient_packed = Buffer(conv3x3_data_gradient_packed_size(layer, v));
    scratch = Buffer(std::max({conv3x3_forward_scratch_size(layer, v, threads),
                               conv3x3_data_gradient_scratch_size(layer, v, threads),
                               conv3x3_weight_gradient_scratch_size(layer, v, threads)}));
    pack();
  }
  void pack() {
    conv3x3_forward_pack(layer, variant, weight.data(), packed.span(), pool);
    conv3x3_data_gradient_pack(layer, variant, weight.data(), gradient_packed.span(), pool);
  }
  FloatTensor tensor(std::size_t i) { return {shapes[i].channels > 0 ? tensors[i].data() : nullptr, shapes[i]}; }
  FloatTensor gradient(std::size_t i) { return {shapes[i].channels > 0 ? gradients[i].data() : nullptr, shapes[i]}; }
  void forward() {
    conv3x3_forward_cpu({{tensor(0), tensor(1)}, nullptr, bias.data(), 0.1F, {}, 0, tensor(2), tensor(3), where()},
                        variant, packed.span(), scratch.span(), pool);
  }
  void data_gradient() {
    conv3x3_data_gradient_cpu({{gradient(2), gradient(3), where()},
                               nullptr,
                               layer.low_channels,
                               layer.skip_channels,
                               {gradient(0), tensor(0), 0.1F, false},
                               {gradient(1), tensor(1), 0.1F, false}},
                              variant, gradient_packed.span(), scratch.span(), pool);
  }
  void weight_gradients() {
    conv3x3_weight_gradient_cpu(
        {{tensor(0), tensor(1)}, {gradient(2), gradient(3), where()}, weight_gradient.data(), bias.data()}, variant,
        scratch.span(), pool);
  }
  Tensor<std::uint8_t> where() { return {argmax.empty() ? nullptr : argmax.data(), shapes[3]}; }

  Conv3x3Layer layer;
  Conv3x3Variant variant;
  ThreadPool pool;
  std::vector<Shape> shapes;  // low, skip, out, pooled
  std::vector<Buffer> tensors, gradients;
  std::vector<std::uint8_t> argmax;
  Buffer weight, bias, weight_gradient, packed, gradient_packed, scratch;
};

/// The smallest of several times, in milliseconds: other work on the machine only adds.
template <typename Work>
double milliseconds(int repetitions, const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

void report(const NetLayer& n, int batch, int size, int threads, int repetitions, const std::string& only,
            std::vector<double>& totals) {
  const std::pair<Conv3x3Variant, const char*> variants[] = {{Conv3x3Variant::winograd, "winograd"},
                                                             {Conv3x3Variant::direct, "direct"},
                                                             {Conv3x3Variant::automatic, "automatic"}};
  std::size_t column = 0;
  for (const auto& [variant, name] : variants) {
    if (!only.empty() && only != name && (column += 4)) continue;
    Bench b(n, batch, size, variant, threads);
    const double gflop = 18e-9 * (n.low + n.skip) * n.out * batch * b.layer.height * b.layer.width;
    const double times[] = {
        milliseconds(repetitions, [&] { b.forward(); }), milliseconds(repetitions, [&] { b.data_gradient(); }),
        milliseconds(repetitions, [&] { b.weight_gradients(); }), milliseconds(repetitions, [&] { b.pack(); })};
    fmt::print("{:10} {:3} {:3}+{:3}->{:3} {:9}", n.net, b.layer.height, n.low, n.skip, n.out, name);
    for (std::size_t i = 0; i < 3; ++i) {
      fmt::print(" | {:8.3f} {:6.1f}", times[i], gflop / times[i] * 1e3);
      totals[column++] += times[i];
    }
    fmt::print(" | {:7.3f}\n", times[3]);
    totals[column++] += times[3];
  }
}

}  // namespace
}  // namespace n2s

int main(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) { return argc > index ? std::atoi(argv[index]) : otherwise; };
  const int batch = number(1, 16), size = number(2, 64), threads = number(3, 1), repetitions = number(4, 5);
  const std::string filter = argc > 5 ? argv[5] : "", only = argc > 6 ? argv[6] : "";
  fmt::print("{} planes of {}x{}, {} threads, {}; forward, data gradient, weight gradient: ms, GFLOP/s; packing: ms\n",
             batch, size, size, threads, n2s::simd_name());
  for (const std::string net : {"mri", "microscopy"}) {
    std::vector<double> totals(12, 0.0);
    for (const n2s::NetLayer& n : n2s::kNetLayers)
      if (n.net == net && (filter.empty() || fmt::format("{}+{}->{}", n.low, n.skip, n.out) == filter))
        n2s::report(n, batch, size, threads, repetitions, only, totals);
    for (std::size_t v = 0; v < 3; ++v)
      fmt::print("{:10} total {:9} forward {:8.2f} data {:8.2f} weight {:8.2f} packing {:6.2f} ms\n", net,
                 v == 0   ? "winograd"
                 : v == 1 ? "direct"
                          : "automatic",
                 totals[4 * v], totals[4 * v + 1], totals[4 * v + 2], totals[4 * v + 3]);
  }
}
