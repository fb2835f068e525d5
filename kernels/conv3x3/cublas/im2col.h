// The matrix that makes a convolution a matrix product (im2col, Chellapilla et al. 2006): for each pixel the nine
// pixels around it, zero outside the image.
#pragma once

#include <cuda_runtime.h>

#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/device/precision.h"

namespace n2s::device {

/// Rows of an image stack: image * height + y, from `first` on.
struct PatchRows {
  int first = 0, count = 0;
};

/// patches[pixel][tap][channel] of these rows, from `images` (NHWC, `channels` a multiple of eight) of height x width.
struct PatchSource {
  const void* images = nullptr;
  int height = 0, width = 0, channels = 0;
};
void make_patches(const PatchSource& source, const PatchRows& rows, Precision precision, void* patches,
                  cudaStream_t stream);

/// OIHW weights for the data gradient, a convolution of the output gradient: [input][flipped tap][output], channels
/// padded as in unfused.h.
void pack_flipped_weights(const Conv3x3Layer& layer, Precision precision, const float* weight, void* packed,
                          cudaStream_t stream);

}  // namespace n2s::device
