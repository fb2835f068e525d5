// Copies rectangles of pixels into scratch, with zeros outside the image; what the direct variant reads from.
#if defined(N2S_KERNELS_CONV3X3_CPU_STAGE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_STAGE_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_STAGE_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_STAGE_INL_H_
#endif

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

struct Rectangle {
  int n, y, x, rows, columns;  // may reach beyond the image
};

// Pixels without gaps: [rows][columns][C].
inline void stage(Tensor<const float> tensor, const Rectangle& r, float* to) {
  const Shape& s = tensor.shape;
  const int left = std::clamp(-r.x, 0, r.columns), end = std::clamp(s.width - r.x, left, r.columns);
  const auto floats = [&](int pixels) {
    return static_cast<std::size_t>(pixels) * static_cast<std::size_t>(s.channels);
  };
  for (int i = 0; i < r.rows; ++i, to += floats(r.columns)) {
    if (r.y + i < 0 || r.y + i >= s.height) {
      std::fill_n(to, floats(r.columns), 0.0F);
      continue;
    }
    std::fill_n(to, floats(left), 0.0F);
    std::copy_n(tensor.pixel(r.n, r.y + i, r.x + left), floats(end - left), to + floats(left));
    std::fill_n(to + floats(end), floats(r.columns - end), 0.0F);
  }
}

// The output gradient, its pooled part spread to the maxima: [rows][columns][stride]. Tails are filled with zeros up
// to a whole vector, the next pixel overwrites what is too much.
inline void stage(const ConvOutputGradient& from, const Conv3x3Layer& layer, const Rectangle& r, int stride,
                  float* to) {
  const int channels = layer.out_channels;
  const auto dense = from.dense.as<float>(), pooled = from.pooled.as<float>();
  const auto argmax = from.argmax.as<std::uint8_t>();
  for (int y = r.y; y < r.y + r.rows; ++y)
    for (int x = r.x; x < r.x + r.columns; ++x, to += stride) {
      const bool inside = y >= 0 && y < layer.height && x >= 0 && x < layer.width;
      for (int c = 0; c < channels; c += kLanes) {
        Vec v = hn::Zero(kFloat);
        if (inside && from.dense) v = load_n(dense.pixel(r.n, y, x) + c, channels - c);
        if (inside && from.pooled) {
          const IntVec where = load_bytes_n(argmax.pixel(r.n, y / 2, x / 2) + c, channels - c);
          const auto here = hn::RebindMask(kFloat, hn::Eq(where, hn::Set(kInt, 2 * (y % 2) + x % 2)));
          v = hn::Add(v, hn::IfThenElseZero(here, load_n(pooled.pixel(r.n, y / 2, x / 2) + c, channels - c)));
        }
        hn::StoreU(v, kFloat, to + c);
      }
    }
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
