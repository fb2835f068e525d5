// The loss after k-space data consistency, as Noise2Noise trains for MRI (Lehtinen et al. 2018, section 3.4): the
// frequencies that were measured are overwritten in the network's output before it is compared, so its errors there do
// not count, and nothing is learned from them.
#pragma once

#include <span>

#include "engine/graph/extents.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/philox.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

class SpectralLoss {
 public:
  /// Of whole planes of one size, which lie in the upper left corner of the training images. `pool` must live as long
  /// as the object. Throws Error unless the noise is undersampling (kspace).
  SpectralLoss(const NoiseSpec& noise, int height, int width, ThreadPool& pool);

  /// `errors` are output - target of images of `extents`, or that times any number: the gradient of a mean squared
  /// error. What remains are the errors of the frequencies that `keys`, one for each image, did not measure; around the
  /// planes they become 0.
  void keep_unmeasured(std::span<const RandomKey> keys, const Extents& extents, std::span<float> errors) const;

  /// Pixels of an image by those of its plane: a mean over planes is that over images times this.
  double images_by_planes(const Extents& extents) const;

 private:
  int height_, width_;
  PlaneNoise noise_;
  ThreadPool* pool_;
};

}  // namespace n2s
