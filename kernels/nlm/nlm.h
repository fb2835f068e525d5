// Non-local means (Buades, Coll, Morel 2005; Darbon et al. 2008 for the sums that patches share): each pixel becomes
// the mean of the pixels near it, weighted by how similar the patches around them are. The results are those of
// scikit-image's denoise_nl_means(fast_mode=True) for the same parameters.
#pragma once

#include <span>

#include "kernels/base/host_device.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

struct NlmProblem {
  int planes = 1, height = 0, width = 0;
  int patch = 7;        // pixels along each side of a patch, an odd number from 3 on
  int distance = 11;    // pixels in each direction in which similar patches are searched
  bool across = false;  // patches and search extend over planes as well; else each plane is on its own
  double h = 0;         // the larger, the smoother, in the planes' units: weight = exp(-mean squared difference / h^2)
  double sigma = 0;     // of the noise; what it adds to squared differences is subtracted
};

/// Throws Error for sizes that do not fit together, an even patch, and an h that is not positive.
void check_nlm(const NlmProblem& problem, std::size_t noisy, std::size_t restored);

/// Denoises planes of finite values, one after the other in memory.
void nlm(const NlmProblem& problem, std::span<const float> noisy, std::span<float> restored, ThreadPool& pool);

/// The same by definition, in double precision, for tests.
void nlm_reference(const NlmProblem& problem, std::span<const float> noisy, std::span<double> restored);

/// Patches that are less similar count nothing: exp(-5).
inline constexpr float kNlmCutOff = 5;

/// Pixels of a patch, along each side, that are compared: one less than the parameter says, from 1 - patch / 2 on. The
/// mean is still over patch^2 (or patch^3) pixels. scikit-image's fast mode does so, and its h means that.
constexpr int nlm_window(const NlmProblem& problem) {
  return problem.patch / 2 * 2;
}

/// The exponential of scikit-image's fast mode (Schraudolph 1999): a straight line between powers of two, within 4 %.
/// For values in [-5, 0].
inline constexpr float kNlmSlope = 1512775.4F;            // 2^20 / ln 2
inline constexpr int kNlmOne = 1072632447 - (896 << 20);  // of 0: 2^20 times the exponent, for floats
N2S_HOST_DEVICE inline float nlm_exponential(float negative) {
  const int bits = (static_cast<int>(negative * kNlmSlope) + kNlmOne) << 3;
  float result = 0;
  __builtin_memcpy(&result, &bits, sizeof(result));
  return result;
}

/// Planes behind and before each plane that its result depends on.
constexpr int nlm_reach(const NlmProblem& problem) {
  return problem.across ? problem.distance + problem.patch / 2 : 0;
}

}  // namespace n2s
