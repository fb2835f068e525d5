// Operands of a convolution on both sides: in double precision for the reference, and in device memory in any
// precision.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "kernels/conv3x3/cuda/cuda.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/conv3x3_cases.h"

namespace n2s::test {

using device::ConvMode;
using device::ConvVariant;

struct Mode {
  const char* name;
  ConvMode mode;
  double tolerance;  // NMSE on random data, rounded to the precision beforehand: weights' sums and results are not
};
/// Draws values that the precision can store, so that both sides compute on the same numbers.
inline TensorPair drawn(Draw& draw, const Shape& shape, Values values, Precision precision) {
  TensorPair pair = draw.pair(shape, values);
  for (std::size_t i = 0; i < pair.single.size(); ++i)
    pair.exact[i] = pair.single.data()[i] = rounded(pair.single.data()[i], precision);
  return pair;
}

inline DeviceCopy upload(TensorPair& pair, Precision precision) {
  return {pair.shape, precision, pair.single.span()};
}

inline bool agrees(const std::vector<float>& found, const std::vector<double>& expected, const Mode& mode, bool exact) {
  // Few sums may all be small beside their terms, which are what rounding goes with.
  if (!exact) return nmse(found, expected) <= (expected.size() < 256 ? 10 * mode.tolerance : mode.tolerance);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i] != rounded(static_cast<float>(expected[i]), mode.mode.precision)) return false;
  return true;
}

/// Positions as the kernels have them; no memory: not there.
inline DeviceTensor positions_of(const CudaArray<std::uint16_t>& memory, const Shape& shape) {
  return device::device_positions(memory.get(), shape);
}

/// Memory in bytes, for packed weights and scratch.
struct Bytes {
  explicit Bytes(std::size_t count) : memory(cuda_array<std::byte>(count)), size(count) {}
  std::span<std::byte> span() const { return {memory.get(), size}; }
  CudaArray<std::byte> memory;
  std::size_t size;
};

struct Sources {
  Sources(const Conv3x3Layer& l, Draw& draw, Values values, Precision precision)
      : low(drawn(draw, half(l, l.low_channels), values, precision)),
        skip(drawn(draw, full(l, l.skip_channels), values, precision)),
        device_low(upload(low, precision)),
        device_skip(upload(skip, precision)) {}
  ConvSource exact() { return {low.reference(), skip.reference()}; }
  ConvSource on_device() const { return {device_low.tensor(), device_skip.tensor()}; }
  TensorPair low, skip;
  DeviceCopy device_low, device_skip;
};

struct Gradients {
  Gradients(const Conv3x3Layer& l, Draw& draw, Values values, Precision precision) {
    const int parts = is_even(l) ? draw.below(3) : 0;
    if (parts != 1) dense = drawn(draw, full(l, l.out_channels), values, precision);
    device_dense = upload(dense, precision);
    if (parts == 0) return;
    pooled = drawn(draw, half(l, l.out_channels), values, precision);
    device_pooled = upload(pooled, precision);
    positions = draw.choices(pooled.shape);
    device_positions = to_device<std::uint16_t>(pack_positions(pooled.shape, positions.data()));
  }
  ConvOutputGradient exact() {
    return {
        dense.reference(), pooled.reference(), {pooled.shape.channels > 0 ? positions.data() : nullptr, pooled.shape}};
  }
  ConvOutputGradient on_device() const {
    return {device_dense.tensor(), device_pooled.tensor(), positions_of(device_positions, pooled.shape)};
  }
  TensorPair dense, pooled;
  Guarded<std::uint8_t> positions;
  DeviceCopy device_dense, device_pooled;
  CudaArray<std::uint16_t> device_positions;
};

inline Bytes packed(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode, TensorPair& weight) {
  const CudaArray<float> oihw = to_device<float>(weight.single.span());
  Bytes memory(conv3x3_bytes(l, pass, mode).packed);
  device::conv3x3_pack(std::array{ConvPacking{l, pass, oihw.get(), memory.span()}}, mode, nullptr);
  check(cudaDeviceSynchronize(), "packing");
  return memory;
}

struct Target {
  Target(const Shape& shape, Draw& draw, Values values, Precision precision)
      : gradient(drawn(draw, shape, values, precision)),
        activated(
            drawn(draw, {shape.batch, shape.height, shape.width, draw.flip() ? shape.channels : 0}, values, precision)),
        accumulate(draw.flip()),
        device_gradient(accumulate ? upload(gradient, precision) : DeviceCopy(shape, precision)),
        device_activated(upload(activated, precision)) {}
  ConvGradientTarget exact() { return {gradient.reference(), activated.reference(), 0.5, accumulate}; }
  ConvGradientTarget on_device() const {
    return {device_gradient.tensor(), device_activated.tensor(), 0.5F, accumulate};
  }
  bool agrees(const Mode& mode, bool exact) const {
    if (gradient.shape.channels == 0) return true;
    return test::agrees(device_gradient.values(), gradient.exact, mode, exact) && device_gradient.padding_is_zero();
  }
  TensorPair gradient, activated;
  bool accumulate;
  DeviceCopy device_gradient, device_activated;
};

}  // namespace n2s::test
