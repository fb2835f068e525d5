// BM3D: block matching and 3-D filtering (Dabov, Foi, Katkovnik, Egiazarian 2007, "Image denoising by sparse 3-D
// transform-domain collaborative filtering"; Lebrun 2012, "An analysis and implementation of the BM3D image denoising
// method", describes every parameter). Denoises one plane that has white Gaussian noise of known strength; nothing is
// learned. Both stages: hard thresholding gives a first estimate, in which blocks are matched again and from which a
// Wiener filter is made.
#pragma once

#include <span>

#include "kernels/base/thread_pool.h"

namespace n2s {

/// The authors' normal profile. Their distances from which on blocks do not match (2500 and 400 for values up to 255)
/// and their profile for high noise were tried on Set12: distances relative to the noise give the same PSNR within 0.02
/// dB for sigma 5 to 50, the profile for high noise less. So one profile serves all data, whatever its units.
struct Bm3dStage {
  int step = 3;     // pixels between reference blocks, which have 8 x 8 pixels
  int reach = 19;   // pixels in each direction in which similar blocks are searched
  int most = 16;    // blocks of a group: a power of two
  double farthest;  // mean squared difference from which on blocks do not match, in noise variances
};

struct Bm3dProblem {
  int height = 0, width = 0;
  double sigma = 0;  // standard deviation of the noise, in the plane's units
  Bm3dStage threshold{3, 19, 16, 100}, wiener{3, 19, 32, 16};
  double deviations = 2.7;  // smaller coefficients, in noise deviations, are set to 0
};

/// Denoises a plane of height x width finite values, of any size. Throws Error for sizes that do not fit together and a
/// sigma that is not positive. The same on any number of threads, and on a GPU.
void bm3d(const Bm3dProblem& problem, std::span<const float> noisy, std::span<float> restored, ThreadPool& pool);

/// The same by definition, in double precision and for small planes, for tests.
void bm3d_reference(const Bm3dProblem& problem, std::span<const float> noisy, std::span<double> first,
                    std::span<double> restored);

}  // namespace n2s
