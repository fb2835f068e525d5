// Problems for the convolution's tests: guarded memory, random and exact data, and the list of layers.
// Guard values around every tensor and NaN in every output beforehand follow ggml's and cutlass's tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "kernels/conv3x3/conv3x3.h"

namespace n2s::test {

/// `count` values between two guards that nothing may write to. Memory begins `misalignment` values after a 64-byte
/// boundary: tensors have no alignment, packed weights and scratch memory have.
template <typename T>
class Guarded {
 public:
  explicit Guarded(std::size_t count = 0, std::size_t misalignment = 0)
      : count_(count), memory_((count + 2 * kGuard + 64) * sizeof(T) + 64, kPattern) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = (64 - address % 64) % 64 + (kGuard + misalignment) * sizeof(T);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  Guarded(Guarded&&) noexcept = default;
  Guarded& operator=(Guarded&&) noexcept = default;

  T* data() { return reinterpret_cast<T*>(memory_.data() + begin_); }
  std::size_t size() const { return count_; }
  std::span<T> span() { return {data(), count_}; }
  /// Whether every byte outside [data, data + size) is as it was.
  bool intact() const {
    const auto untouched = [](std::uint8_t byte) { return byte == kPattern; };
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto end = begin + static_cast<std::ptrdiff_t>(count_ * sizeof(T));
    return std::all_of(memory_.begin(), begin, untouched) && std::all_of(end, memory_.end(), untouched);
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr std::uint8_t kPattern = 0xFF;  // a NaN as float: reading a guard spoils the result
  std::size_t count_;
  std::vector<std::uint8_t> memory_;
  std::size_t begin_ = 0;
};

/// A tensor in single and in double precision with the same values.
struct TensorPair {
  Shape shape;
  Guarded<float> single;
  std::vector<double> exact;

  FloatTensor tensor() { return {shape.channels > 0 ? single.data() : nullptr, shape}; }
  Tensor<double> reference() { return {shape.channels > 0 ? exact.data() : nullptr, shape}; }
};

/// How values are drawn. For exact comparison every intermediate result must be a representable number: sparse small
/// integers, and weights (or what plays their part) that are multiples of 576 = 24 * 24, since the Winograd weight
/// transform divides by up to 24 in each direction.
enum class Values { random, integers, integers576 };

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed * 7919UL) { engine_.discard(10); }
  int below(int limit) { return static_cast<int>((engine_() >> 3) % static_cast<unsigned>(limit)); }
  bool flip() { return below(2) == 1; }
  float value(Values values) {
    if (values == Values::random) return static_cast<float>(below(1 << 20)) / (1 << 19) - 1.0F;
    const int nonzero = below(5) == 0 ? 1 : 0;
    return static_cast<float>(nonzero * (below(3) - 1) * (values == Values::integers576 ? 576 : 1));
  }
  TensorPair pair(Shape shape, Values values) {
    TensorPair pair{shape, Guarded<float>(static_cast<std::size_t>(shape.elements()), 1), {}};
    for (float& v : pair.single.span()) pair.exact.push_back(v = value(values));
    return pair;
  }
  Guarded<std::uint8_t> choices(Shape shape) {
    Guarded<std::uint8_t> result(static_cast<std::size_t>(shape.elements()), 1);
    for (std::uint8_t& v : result.span()) v = static_cast<std::uint8_t>(below(4));
    return result;
  }

 private:
  std::minstd_rand engine_;
};

/// A tensor to be written: NaN beforehand.
inline TensorPair poisoned(Shape shape) {
  const auto count = static_cast<std::size_t>(shape.elements());
  TensorPair pair{shape, Guarded<float>(count, 1),
                  std::vector<double>(count, std::numeric_limits<double>::quiet_NaN())};
  for (float& v : pair.single.span()) v = std::numeric_limits<float>::quiet_NaN();
  return pair;
}

inline Shape full(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height, l.width, channels};
}
inline Shape half(const Conv3x3Layer& l, int channels) {
  return {l.batch, l.height / 2, l.width / 2, channels};
}
inline bool is_even(const Conv3x3Layer& l) {
  return l.height % 2 == 0 && l.width % 2 == 0;
}

/// Squared error relative to the squared reference, or to 1 a value where a few values happen to cancel to less (the
/// products are about that large); infinite when anything is NaN.
inline double nmse(std::span<const float> found, std::span<const double> expected) {
  double error = 0, power = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += (found[i] - expected[i]) * (found[i] - expected[i]);
    power += expected[i] * expected[i];
  }
  if (error == 0) return 0;
  return std::isnan(error) ? std::numeric_limits<double>::infinity()
                           : error / std::max(power, static_cast<double>(expected.size()));
}

/// Every channel combination of both nets and odd ones, each at several sizes from one pixel up: 200 layers and more.
inline std::vector<Conv3x3Layer> all_layers() {
  struct Channels {
    int low, skip, out;
  };
  const Channels channels[] = {
      {0, 5, 48},  {0, 48, 48}, {48, 48, 96}, {0, 96, 96}, {96, 48, 96}, {96, 5, 64},  {0, 64, 32},  {0, 32, 1},
      {0, 2, 32},  {0, 32, 32}, {0, 32, 64},  {0, 64, 64}, {0, 64, 128}, {0, 128, 64}, {64, 64, 64}, {32, 32, 32},
      {1, 0, 1},   {3, 0, 7},   {0, 1, 1},    {5, 3, 17},  {0, 17, 31},  {16, 0, 16},  {7, 9, 33},   {0, 33, 5},
      {96, 1, 64}, {0, 1, 48},  {0, 3, 32},   {40, 0, 24}, {0, 16, 1},   {17, 1, 1},   {0, 1, 2},    {2, 2, 144}};
  const Conv3x3Layer sizes[] = {{1, 1, 1, 0, 0, 0},  {1, 2, 2, 0, 0, 0},  {1, 1, 7, 0, 0, 0}, {2, 4, 4, 0, 0, 0},
                                {2, 3, 5, 0, 0, 0},  {1, 6, 10, 0, 0, 0}, {1, 5, 4, 0, 0, 0}, {1, 8, 8, 0, 0, 0},
                                {1, 9, 13, 0, 0, 0}, {3, 2, 6, 0, 0, 0},  {5, 4, 12, 0, 0, 0}};
  std::vector<Conv3x3Layer> layers;
  for (const Channels& c : channels)
    for (Conv3x3Layer layer : sizes) {
      if (c.low > 0 && !is_even(layer)) continue;
      const bool heavy = (c.low + c.skip) * c.out > 4000;  // the reference takes its time
      if (heavy && layer.batch * layer.height * layer.width > 64) continue;
      layer.low_channels = c.low;
      layer.skip_channels = c.skip;
      layer.out_channels = c.out;
      layers.push_back(layer);
    }
  return layers;
}

}  // namespace n2s::test
