// Simulated noise, plane by plane: undersampled frequencies (MRI) and Gaussian and Poisson-Gaussian noise (the
// paper's section 2.3, and the usual camera model y = gain * Poisson(x / gain) + N(0, sigma)).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/stack.h"
#include "kernels/base/philox.h"
#include "kernels/base/thread_pool.h"
#include "kernels/kspace/kspace.h"
#include "kernels/noise/noise.h"

namespace n2s {

struct KspaceNoise {
  double rate = 0.1;  // share of frequencies that are kept, in (0, 1]
};
struct GaussianNoise {
  double sigma = 0;  // in the file's units
};
struct PoissonNoise {
  double gain = 1;   // file's units per event; negative values count as 0
  double sigma = 0;  // of the Gaussian read noise on top, in the file's units; 0: none
};
using NoiseSpec = std::variant<KspaceNoise, GaussianNoise, PoissonNoise>;

/// "kspace:0.1", "gaussian:25", "poisson:2" or "poisson:2,gaussian:5". Throws Error with these forms for anything else.
NoiseSpec parse_noise(const std::string& text);
std::string describe(const NoiseSpec& noise);

/// What each pixel gets for itself; none where noise is made from the whole plane (kspace).
std::optional<PixelNoise> pixel_noise(const NoiseSpec& noise);

/// Corrupts planes of one size. Calls may run at the same time.
class PlaneNoise {
 public:
  PlaneNoise(const NoiseSpec& spec, int height, int width);

  /// The same key gives the same noise. Both spans hold height * width pixels, in the file's units.
  void corrupt(std::span<const float> clean, const RandomKey& key, std::span<float> noisy) const;

  /// k-space data consistency: replaces the frequencies that were measured (kspace only; does nothing for the other
  /// kinds). `key` is that of `noisy`.
  void restore_measured(std::span<const float> noisy, const RandomKey& key, std::span<float> restored) const;

 private:
  std::optional<PixelNoise> pixel_noise_;  // none: kspace
  std::vector<Fft2d> fft_;                 // one, or none
  std::vector<KspaceSampling> sampling_;   // one, or none
};

/// The key of the fixed noise of one plane of one stack, as in stored noisy copies.
RandomKey plane_key(std::uint64_t seed, Purpose copy, int stack, int plane);

/// All planes of a stack corrupted, each with its own noise; `stack` numbers stacks of one run.
Stack corrupt_stack(const NoiseSpec& spec, const Stack& clean, std::uint64_t seed, Purpose copy, int stack,
                    ThreadPool& pool);

/// Spectral post-processing of all planes of a restored stack.
void restore_measured(const NoiseSpec& spec, const Stack& noisy, std::uint64_t seed, Purpose copy, int stack,
                      Stack& restored, ThreadPool& pool);

}  // namespace n2s
