// The strength of noise that is independent from pixel to pixel, from single planes.
#pragma once

#include <span>

#include "analysis/anscombe.h"
#include "data/planes_to_read.h"

namespace n2s {

/// Standard deviation, in the plane's units, from the cosine transforms of all its 8x8 blocks (after Ponomarenko et al.
/// 2007): the 25th of the blocks that have least energy in low frequencies shows the noise in their high ones. In white
/// noise the two are independent, so that the choice of blocks does not bias the result. Blocks with many voxels that
/// are not finite do not count, nor do those of a mask or of saturation, where neighbours are equal, unless there are
/// hardly any others. 0 where nothing is left, or the plane is constant. Throws Error for a plane of fewer than 16x16
/// pixels.
double white_noise_deviation(std::span<const float> plane, int height, int width);

/// The median over planes that are spread over a stack, of those that have noise. Throws Error as `planes.read` does.
double white_noise_deviation(const PlanesToRead& planes);

/// The line through the noise variances of blocks of similar brightness, each found as above: of Poisson-Gaussian noise
/// (Foi et al. 2008). Blocks that touch the values' lowest or highest, which may be clipped, do not count. A gain of 0:
/// the noise does not grow with the signal. Throws Error as `planes.read` does, and where there is nothing to measure.
struct CameraNoise {
  PoissonGaussian line;
  double growth = 1;  // of the variance, from the darkest sixteenth of the blocks to the brightest
};
CameraNoise camera_noise(const PlanesToRead& planes);

}  // namespace n2s
