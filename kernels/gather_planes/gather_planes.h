// Batch assembly: cuts the same window out of several planes of a stack, augmented, into one image of an NHWC batch
// (Papkov et al. 2020, section 2.2; augmentations as in Noise2Noise and CSBDeep).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/base/tensor.h"

namespace n2s {

/// How training images are varied. Every plane and every copy of a sample is varied in the same way.
struct Augmentation {
  int crop_height = 0, crop_width = 0;  // pixels of the image that the network sees; the plane's own size: no crop
  int max_shift = 0;                    // pixels; 0: none
  bool circular_shift = false;          // true: in [-max_shift, max_shift], around the edge; false: in [0, max_shift]
  float fill = 0;                       // what a shift leaves behind when it is not circular
  bool orientations = false;            // rotations by 0, 90, 180, 270 degrees and flips; without the rotations by 90
                                        // and 270 degrees where the crop is not square
};

/// One sample's variation.
struct SampleDraw {
  int top = 0, left = 0;         // of the crop in the plane, pixels
  int shift_y = 0, shift_x = 0;  // pixels by which the plane is moved down and right before it is cropped
  int orientation = 0;           // 0..7: bit 0 transposes, bit 1 flips rows, bit 2 flips columns, in this order
};

/// The draw for one sample of one step. `item` of the key counts steps within the epoch, `minor` samples in the batch.
SampleDraw draw_sample(const Augmentation& augmentation, int plane_height, int plane_width, const RandomKey& key);

/// image(n, y, x, channel) = the varied plane. Throws Error where the image is not of the crop's size. Where the crop
/// is larger than the plane, the plane is continued by reflection. `plane` holds plane_height * plane_width pixels.
struct GatherPlane {
  const float* plane = nullptr;
  int plane_height = 0, plane_width = 0;
  Augmentation augmentation;
  SampleDraw draw;
};
void gather_plane(const GatherPlane& gather, FloatTensor image, int n, int channel);

/// The varied plane, row by row, made step by step: for tests.
std::vector<float> gather_plane_reference(const GatherPlane& gather);

/// The numbers 0 .. count - 1 in random order (Fisher-Yates); a new order for each epoch of the key.
std::vector<std::uint32_t> shuffled(std::uint32_t count, const RandomKey& key);

}  // namespace n2s
