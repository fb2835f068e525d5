// The generalised Anscombe transform: Poisson-Gaussian noise becomes Gaussian noise of deviation 1, so that a method
// for that noise can remove it; and its exact unbiased inverse (Makitalo and Foi 2013, "Optimal inversion of the
// generalized Anscombe transformation for Poisson-Gaussian noise").
#pragma once

#include <vector>

namespace n2s {

/// variance = gain * value + offset, in the units of the values. An offset below 0 is that of a camera with a black
/// level.
struct PoissonGaussian {
  double gain = 0, offset = 0;
};

class Anscombe {
 public:
  /// Throws Error unless the gain is above 0.
  explicit Anscombe(const PoissonGaussian& noise);

  float forward(float value) const;
  /// The clean value whose noisy values have this mean after forward(); not below the black level.
  float inverse(float mean) const;

 private:
  double gain_, black_, read_variance_;  // the latter in squared events
  std::vector<double> means_;            // of forward() by clean value, in steps of kStep events
};

}  // namespace n2s
