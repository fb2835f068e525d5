// Runs the project's kernels on zeros (problems.h).
#include "tests/memory_access/problems.h"

#include <array>
#include <span>

#include "engine/cuda/cuda_memory.h"
#include "kernels/adam/cuda.h"
#include "kernels/convert/cuda.h"
#include "kernels/device/check.h"
#include "kernels/mse/cuda.h"
#include "kernels/unfused/cuda.h"

namespace n2s::test {
namespace {

using device::DeviceTensor;
using device::Precision;

template <typename T>
CudaArray<T> zeros(std::size_t count) {
  CudaArray<T> memory = cuda_array<T>(count);
  if (count > 0) device::check(cudaMemset(memory.get(), 0, count * sizeof(T)), "zeros");
  return memory;
}

void wait() {
  device::check(cudaDeviceSynchronize(), "kernels");
}

/// A tensor of zeros; no channels: none.
class Zeros {
 public:
  Zeros(const Shape& shape, Precision precision) : shape_(shape), precision_(precision) {
    if (shape.channels > 0) memory_ = zeros<std::byte>(device::elements_of(shape) * device::element_bytes(precision));
  }
  DeviceTensor tensor() const { return device::device_tensor(memory_.get(), shape_, precision_); }
  const Shape& shape() const { return shape_; }

 private:
  Shape shape_;
  Precision precision_;
  CudaArray<std::byte> memory_;
};

/// Packed weights or scratch memory.
class Bytes {
 public:
  explicit Bytes(std::size_t count) : memory_(zeros<std::byte>(count)), count_(count) {}
  std::span<std::byte> span() const { return {memory_.get(), count_}; }

 private:
  CudaArray<std::byte> memory_;
  std::size_t count_;
};

CudaArray<std::uint16_t> positions(const Shape& shape) {
  return zeros<std::uint16_t>(device::argmax_bytes(shape) / 2);
}

Shape full(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height, l.width, channels};
}
Shape half(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height / 2, l.width / 2, channels};
}
Shape half(const Shape& s) {
  return {s.batch, s.height / 2, s.width / 2, s.channels};
}

std::size_t weights(const Conv3x3Layer& l) {
  return static_cast<std::size_t>(9) * static_cast<std::size_t>(l.low_channels + l.skip_channels) *
         static_cast<std::size_t>(l.out_channels);
}

void run_forward(const Conv3x3Layer& l, const device::ConvMode& mode, Pooling pooling) {
  const Zeros low(half(l, l.low_channels), mode.precision);
  const Zeros skip(full(l, l.skip_channels), mode.precision);
  const Zeros residual(full(l, 5), mode.precision);
  const Zeros out(full(l, l.out_channels), mode.precision);
  const Zeros pooled(half(l, pooling == Pooling::yes ? l.out_channels : 0), mode.precision);
  const auto argmax = positions(pooled.shape());
  const auto weight = zeros<float>(weights(l));
  const auto bias = zeros<float>(static_cast<std::size_t>(l.out_channels));
  const Bytes packed(device::conv3x3_bytes(l, Pass::forward, mode).packed);
  device::conv3x3_pack(std::array{ConvPacking{l, Pass::forward, weight.get(), packed.span()}}, mode, nullptr);
  Conv3x3Forward p;
  p.source = {low.tensor(), skip.tensor()};
  p.packed = packed.span();
  p.bias = bias.get();
  p.slope = 0.1F;
  if (l.out_channels == 1) p.residual = residual.tensor();
  p.residual_channel = 2;
  p.out = out.tensor();
  p.pooled = pooled.tensor();
  if (p.pooled) p.argmax = device::device_positions(argmax.get(), pooled.shape());
  device::conv3x3_forward(p, mode, nullptr);
  wait();
}

struct OutputGradients {
  OutputGradients(const Conv3x3Layer& l, Precision precision, Pooling pooling)
      : dense(full(l, l.out_channels), precision),
        pooled(half(l, pooling == Pooling::yes ? l.out_channels : 0), precision),
        argmax(positions(pooled.shape())) {}
  ConvOutputGradient on_device() const {
    return {dense.tensor(), pooled.tensor(), device::device_positions(argmax.get(), pooled.shape())};
  }
  Zeros dense, pooled;
  CudaArray<std::uint16_t> argmax;
};

void run_data_gradient(const Conv3x3Layer& l, const device::ConvMode& mode, Pooling pooling) {
  const OutputGradients output_gradient(l, mode.precision, pooling);
  const Zeros low(half(l, l.low_channels), mode.precision);
  const Zeros skip(full(l, l.skip_channels), mode.precision);
  const Zeros low_activated(low.shape(), mode.precision);
  const Zeros skip_activated(skip.shape(), mode.precision);
  const auto weight = zeros<float>(weights(l));
  const Bytes packed(device::conv3x3_bytes(l, Pass::data_gradient, mode).packed);
  device::conv3x3_pack(std::array{ConvPacking{l, Pass::data_gradient, weight.get(), packed.span()}}, mode, nullptr);
  Conv3x3DataGradient p;
  p.output_gradient = output_gradient.on_device();
  p.packed = packed.span();
  p.low_channels = l.low_channels;
  p.skip_channels = l.skip_channels;
  p.low = {low.tensor(), low_activated.tensor(), 0.1F, false};
  p.skip = {skip.tensor(), skip_activated.tensor(), 0.1F, true};
  device::conv3x3_data_gradient(p, mode, nullptr);
  wait();
}

void run_weight_gradient(const Conv3x3Layer& l, const device::ConvMode& mode, Pooling pooling) {
  const OutputGradients output_gradient(l, mode.precision, pooling);
  const Zeros low(half(l, l.low_channels), mode.precision);
  const Zeros skip(full(l, l.skip_channels), mode.precision);
  const auto weight = zeros<float>(weights(l));
  const auto bias = zeros<float>(static_cast<std::size_t>(l.out_channels));
  const Bytes scratch(device::conv3x3_bytes(l, Pass::weight_gradient, mode).scratch);
  device::conv3x3_weight_gradient(
      {{low.tensor(), skip.tensor()}, output_gradient.on_device(), weight.get(), bias.get(), scratch.span()}, mode,
      nullptr);
  wait();
}

void run_plain(const Shape& shape, Precision precision) {
  const Zeros a(shape, precision);
  const Zeros b(shape, precision);
  const Zeros small(half(shape), precision);
  const Zeros both({shape.batch, shape.height, shape.width, 2 * shape.channels}, precision);
  const auto argmax = positions(small.shape());
  const ConvGradientTarget large_target{b.tensor(), {}, 1, false};
  const ConvGradientTarget small_target{small.tensor(), {}, 1, false};
  using namespace device;
  unfused::activation(a.tensor(), 0.1F, b.tensor(), precision, nullptr);
  unfused::activation_gradient(a.tensor(), a.tensor(), 0.1F, large_target, precision, nullptr);
  unfused::maxpool2(a.tensor(), small.tensor(), argmax.get(), precision, nullptr);
  unfused::maxpool2_gradient(small.tensor(), argmax.get(), large_target, precision, nullptr);
  unfused::upsample2(small.tensor(), a.tensor(), precision, nullptr);
  unfused::upsample2_gradient(a.tensor(), small_target, precision, nullptr);
  unfused::concat(a.tensor(), b.tensor(), both.tensor(), precision, nullptr);
  unfused::concat_gradient(both.tensor(), shape.channels, large_target, precision, nullptr);
  unfused::add_plane(a.tensor(), a.tensor(), 0, b.tensor(), precision, nullptr);
  unfused::copy_gradient(a.tensor(), large_target, precision, nullptr);
  wait();
}

/// A network's convolution: channels, and by how much its images are smaller than the input.
struct Convolution {
  int low, skip, out, scale;
};

}  // namespace

std::string to_text(Pass pass) {
  if (pass == Pass::forward) return "forward";
  return pass == Pass::data_gradient ? "data gradient" : "weight gradient";
}

void run_convolution(const Conv3x3Layer& layer, const device::ConvMode& mode, Pass pass, Pooling pooling) {
  if (pass == Pass::forward) return run_forward(layer, mode, pooling);
  if (pass == Pass::data_gradient) return run_data_gradient(layer, mode, pooling);
  run_weight_gradient(layer, mode, pooling);
}

void run_others(const Shape& shape, Precision precision) {
  run_plain(shape, precision);
  const auto count = static_cast<std::size_t>(shape.elements());
  const Zeros prediction(shape, precision);
  const Zeros gradient(shape, precision);
  const auto values = zeros<float>(count);
  device::pad_channels(values.get(), prediction.tensor(), precision, nullptr);
  device::strip_channels(prediction.tensor(), precision, values.get(), nullptr);

  const auto loss = zeros<double>(1);
  const auto partial_sums = zeros<std::byte>(device::mean_squared_error_scratch_bytes(shape));
  device::mean_squared_error({prediction.tensor(), prediction.tensor(), gradient.tensor(), nullptr, loss.get()},
                             precision, partial_sums.get(), nullptr);

  const auto first = zeros<float>(count);
  const auto second = zeros<float>(count);
  const auto step = zeros<device::AdamStep>(1);
  const auto scale = zeros<device::LossScale>(1);
  device::DeviceAdam adam;
  adam.parameters = values.get();
  adam.first_moment = first.get();
  adam.second_moment = second.get();
  adam.gradients = values.get();
  adam.count = count;
  adam.step = step.get();
  adam.scale = scale.get();
  adam.loss = loss.get();
  device::adam(adam, nullptr);
  wait();
}

std::vector<Conv3x3Layer> network_layers(int planes, int height, int width) {
  const Convolution mri[] = {{0, planes, 48, 1}, {0, 48, 48, 1},      {48, 48, 96, 4}, {0, 96, 96, 4},
                             {96, 48, 96, 2},    {96, planes, 64, 1}, {0, 64, 32, 1},  {0, 32, 1, 1}};
  const Convolution microscopy[] = {{0, planes, 32, 1}, {0, 32, 32, 1},  {0, 32, 64, 2},  {0, 64, 64, 2},
                                    {0, 64, 128, 4},    {0, 128, 64, 4}, {64, 64, 64, 2}, {32, 32, 32, 1}};
  std::vector<Conv3x3Layer> layers;
  for (const auto& network : {std::span<const Convolution>(mri), std::span<const Convolution>(microscopy)})
    for (const Convolution& c : network) layers.push_back({1, height / c.scale, width / c.scale, c.low, c.skip, c.out});
  return layers;
}

}  // namespace n2s::test
