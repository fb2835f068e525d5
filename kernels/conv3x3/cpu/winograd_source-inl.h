// Transforms the source of one tile, for the forward pass and the weight gradient of the Winograd variant (winograd.h).
#if defined(N2S_KERNELS_CONV3X3_CPU_WINOGRAD_SOURCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef N2S_KERNELS_CONV3X3_CPU_WINOGRAD_SOURCE_INL_H_
#undef N2S_KERNELS_CONV3X3_CPU_WINOGRAD_SOURCE_INL_H_
#else
#define N2S_KERNELS_CONV3X3_CPU_WINOGRAD_SOURCE_INL_H_
#endif

#include "kernels/conv3x3/cpu/read-inl.h"
#include "kernels/conv3x3/cpu/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace n2s::HWY_NAMESPACE {

// Writes V of the tile whose first output pixel is `at`, its positions `step` floats apart; `zeros` is a pixel of
// zeros. Low before skip, because a vector of the low part may reach into the skip part.
HWY_NOINLINE inline void transform_source(const ConvSource& source, winograd::Tiling::Place at, const float* zeros,
                                          float* v, std::ptrdiff_t step) {
  const int low = source.low ? source.low.shape.channels : 0, skip = source.skip ? source.skip.shape.channels : 0;
  if (low > 0) {
    Window<float, 4> window;
    window.point(source.low.as<float>(), at.n, at.y / 2 - 1, at.x / 2 - 1, zeros);
    for (int c = 0; c < low; c += kLanes)
      window.with_channels(c, low - c, [&](const auto& load) HWY_ATTR {
        transform_2d<LowInputTransform>(load, StoreLowPositions{v + c, step});
      });
  }
  if (skip == 0) return;
  Window<float, 6> window;
  window.point(source.skip.as<float>(), at.n, at.y - 1, at.x - 1, zeros);
  for (int c = 0; c < skip; c += kLanes)
    window.with_channels(c, skip - c, [&](const auto& load) HWY_ATTR {
      transform_2d<InputTransform>(load, StorePositions{v + low + c, step});
    });
}

}  // namespace n2s::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
