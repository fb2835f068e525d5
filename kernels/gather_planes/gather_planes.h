// Batch assembly: cuts the same window out of several planes of a stack, augmented, into one image of an NHWC batch
// (Papkov et al. 2020, section 2.2; augmentations as in Noise2Noise and CSBDeep).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/base/plane_window.h"
#include "kernels/base/tensor.h"
#include "kernels/gather_planes/window.h"

namespace n2s {

/// image(n, y, x, channel) = the window of the plane. Throws Error where the image does not have the crop's size. Where
/// the crop is larger than the plane, the plane is continued by reflection. `plane` holds plane_height * plane_width
/// pixels, or those of a part that includes shown_part().
struct GatherPlane {
  const float* plane = nullptr;
  int plane_height = 0, plane_width = 0;
  Augmentation augmentation;
  SampleDraw draw;
  std::optional<PlaneWindow> part{};  // that `plane` holds; none: all of it
};
void gather_plane(const GatherPlane& gather, FloatTensor image, int n, int channel);

/// The part of the plane that the image shows; `plane` is not used. Nothing: a shift has left no pixel of it.
PlaneWindow shown_part(const GatherPlane& gather);

/// The same window, row by row, by one step after the other: for tests.
std::vector<float> gather_plane_reference(const GatherPlane& gather);

/// A random permutation of 0 .. count - 1 (Fisher-Yates); another one for each epoch of the key.
std::vector<std::uint32_t> shuffled(std::uint32_t count, const RandomKey& key);

}  // namespace n2s
