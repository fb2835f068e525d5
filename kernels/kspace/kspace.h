// Undersampling in frequency space, the corruption of the paper's MRI experiments, and k-space data consistency, the
// post-processing that restores the measured frequencies (Papkov et al. 2020, section 2.3, after Noise2Noise). A real
// image needs a conjugate-symmetric mask: one Bernoulli draw for each pair of frequencies {k, -k}.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/philox.h"
#include "kernels/fft/fft.h"

namespace n2s {

/// Frequency k is kept with probability p(k) = exp(-lambda |k|), |k| in index units; DC always is.
struct KspaceSampling {
  int height = 0, width = 0;  // pixels
  double lambda = 0;
  std::vector<float> keep_probability;  // half spectrum, height rows of width / 2 + 1
};

/// Solves lambda so that the mean of p over the whole grid is `rate`, in (0, 1]. Throws Error for other rates, and for
/// rates below one frequency.
KspaceSampling kspace_sampling(int height, int width, double rate);

/// 1 where a frequency is kept: half spectrum. Which ones is a function of the key alone.
std::vector<std::uint8_t> kspace_mask(const KspaceSampling& sampling, const RandomKey& key);

/// noisy = Re IFFT(S * mask / p): unbiased, not clipped. All spans hold height * width pixels.
void kspace_corrupt(const Fft2d& fft, const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                    std::span<const float> clean, std::span<float> noisy);

/// Replaces every kept frequency of `restored` by the measured one, FFT(noisy) * p, which undoes the weight 1 / p.
void kspace_data_consistency(const Fft2d& fft, const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                             std::span<const float> noisy, std::span<float> restored);

/// The same two in double precision, by definition: for tests.
std::vector<double> kspace_corrupt_reference(const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                                             std::span<const double> clean);
std::vector<double> kspace_data_consistency_reference(const KspaceSampling& sampling,
                                                      std::span<const std::uint8_t> mask, std::span<const double> noisy,
                                                      std::span<const double> restored);

}  // namespace n2s
