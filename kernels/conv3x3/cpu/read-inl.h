// Reads square windows of pixels around a tile, with zeros outside the image: tensors (a source part), and the
// output gradient, where the pooled part is spread to the maxima on the fly.
#if defined(N2S_KERNELS_CONV3X3_CPU_READ_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_READ_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_READ_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_READ_INL_H_
#endif

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

// Addresses of kSize x kSize pixels. Those outside the image point to a row of zeros, so that readers need no cases.
template <typename T, int kSize>
struct Window {
  const T* pixel[kSize * kSize];

  HWY_INLINE void point(Tensor<const T> tensor, int n, int y0, int x0, const T* zeros) {
    const Shape& s = tensor.shape;
    const std::ptrdiff_t row = std::ptrdiff_t{s.width} * s.channels;
    const T* first = tensor.data + (std::ptrdiff_t{n} * s.height + y0) * row + std::ptrdiff_t{x0} * s.channels;
    if (HWY_LIKELY(y0 >= 0 && x0 >= 0 && y0 + kSize <= s.height && x0 + kSize <= s.width)) {
      for (int y = 0; y < kSize; ++y)
        for (int x = 0; x < kSize; ++x) pixel[y * kSize + x] = first + y * row + std::ptrdiff_t{x} * s.channels;
      return;
    }
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const bool inside = y0 + y >= 0 && y0 + y < s.height && x0 + x >= 0 && x0 + x < s.width;
        pixel[y * kSize + x] = inside ? tensor.pixel(n, y0 + y, x0 + x) : zeros;
      }
  }

  // Calls use(load) with load(y, x) -> the vector of channels from `channel` on; tails get their own code.
  template <typename Use>
  HWY_INLINE void with_channels(int channel, int count, const Use& use) const {
    if (HWY_LIKELY(count >= kLanes))
      use([this, channel](int y, int x) HWY_ATTR { return hn::LoadU(kFloat, pixel[y * kSize + x] + channel); });
    else
      use([this, channel, count](int y, int x) HWY_ATTR { return load_n(pixel[y * kSize + x] + channel, count); });
  }
};

// kSize x kSize pixels of the output gradient whose first pixel has the parity of kShift, each way.
template <int kSize, int kShift>
class OutputGradientWindow {
 public:
  HWY_INLINE void point(const ConvOutputGradient& from, int n, int y0, int x0, const float* zeros) {
    has_dense_ = bool(from.dense);
    has_pooled_ = bool(from.pooled);
    if (has_dense_) dense_.point(from.dense.as<float>(), n, y0, x0, zeros);
    if (!has_pooled_) return;
    const int y = (y0 - kShift) / 2, x = (x0 - kShift) / 2;
    pooled_.point(from.pooled.as<float>(), n, y, x, zeros);
    argmax_.point(from.argmax.as<std::uint8_t>(), n, y, x, reinterpret_cast<const std::uint8_t*>(zeros));
  }

  template <typename Use>
  HWY_INLINE void with_channels(int channel, int count, const Use& use) const {
    if (!has_pooled_) return dense_.with_channels(channel, count, use);
    HWY_ALIGN float values[kSize * kSize * kLanes];
    spread(channel, count, values);
    use([&values](int y, int x) HWY_ATTR { return hn::Load(kFloat, values + (y * kSize + x) * kLanes); });
  }

 private:
  static constexpr int kPooled = (kSize + 2 * kShift) / 2;

  // Each pooled value goes to the one pixel of its window where the maximum was.
  HWY_INLINE void spread(int channel, int count, float* values) const {
    for (int window = 0; window < kPooled * kPooled; ++window) {
      const Vec value = load_n(pooled_.pixel[window] + channel, count);
      const IntVec where = load_bytes_n(argmax_.pixel[window] + channel, count);
      for (int i = 0; i < 4; ++i) {
        const int y = 2 * (window / kPooled) + i / 2 - kShift, x = 2 * (window % kPooled) + i % 2 - kShift;
        if (y < 0 || y >= kSize || x < 0 || x >= kSize) continue;
        const auto here = hn::RebindMask(kFloat, hn::Eq(where, hn::Set(kInt, i)));
        Vec v = hn::IfThenElseZero(here, value);
        if (has_dense_) v = hn::Add(v, load_n(dense_.pixel[y * kSize + x] + channel, count));
        hn::Store(v, kFloat, values + (y * kSize + x) * kLanes);
      }
    }
  }

  bool has_dense_ = false, has_pooled_ = false;
  Window<float, kSize> dense_;
  Window<float, kPooled> pooled_;
  Window<std::uint8_t, kPooled> argmax_;
};

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
