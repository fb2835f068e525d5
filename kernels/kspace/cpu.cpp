// Undersampling and k-space data consistency on the CPU, and the solution of the sampling rate for lambda.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/kspace/kspace.h"
#include "kernels/kspace/mask.h"

namespace n2s {
namespace {

/// Distance from DC along one axis, in index units.
int frequency(int index, int size) {
  return std::min(index, size - index);
}

/// Mean over the grid of p(k) = exp(-lambda |k|), and its derivative with respect to lambda. One quadrant stands for
/// all four.
struct MeanProbability {
  double value = 0, slope = 0;
};

MeanProbability mean_probability(int height, int width, double lambda) {
  const auto copies = [](int k, int size) { return k == 0 || 2 * k == size ? 1.0 : 2.0; };
  MeanProbability sum;
  for (int y = 0; y <= height / 2; ++y)
    for (int x = 0; x <= width / 2; ++x) {
      const double distance = std::hypot(y, x);
      const double p = copies(y, height) * copies(x, width) * std::exp(-lambda * distance);
      sum.value += p;
      sum.slope -= distance * p;
    }
  const double pixels = static_cast<double>(height) * width;
  return {sum.value / pixels, sum.slope / pixels};
}

/// Newton's method from 0: the mean is convex and decreasing, so every step stays below the solution.
double solve_lambda(int height, int width, double rate) {
  double lambda = 0;
  for (int i = 0; i < 1000; ++i) {
    const MeanProbability mean = mean_probability(height, width, lambda);
    const double step = (rate - mean.value) / mean.slope;
    lambda += step;
    if (!(step > 1e-13 * lambda)) break;
  }
  return lambda;
}

}  // namespace

KspaceSampling kspace_sampling(int height, int width, double rate) {
  if (height < 1 || width < 1) throw Error("undersampling needs at least 1 pixel");
  const double pixels = static_cast<double>(height) * width;
  if (rate != 1 && !(rate > 1 / pixels && rate < 1))
    throw Error(fmt::format("{} of all frequencies cannot be kept: choose a rate above 0, up to 1, such as 0.1", rate));
  KspaceSampling sampling{height, width, rate == 1 ? 0 : solve_lambda(height, width, rate), {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x <= width / 2; ++x)
      sampling.keep_probability.push_back(
          static_cast<float>(std::exp(-sampling.lambda * std::hypot(frequency(y, height), x))));
  return sampling;
}

std::vector<std::uint8_t> kspace_mask(const KspaceSampling& sampling, const RandomKey& key) {
  const SpectrumShape shape{sampling.height, sampling.width};
  std::vector<std::uint8_t> mask(shape.size());
  for (std::size_t i = 0; i < mask.size(); i += 4) {
    const PhiloxBlock bits = random_block(key, static_cast<std::uint32_t>(i / 4));
    for (std::size_t j = 0; j < 4 && i + j < mask.size(); ++j)
      mask[i + j] = is_kept(bits[static_cast<std::uint32_t>(j)], sampling.keep_probability[i + j]) ? 1 : 0;
  }
  for (int y = shape.height / 2 + 1; y < shape.height; ++y)
    for (const int x : {0, shape.width / 2}) {
      const std::size_t bin =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.columns()) + static_cast<std::size_t>(x);
      mask[bin] = mask[drawing_bin(shape.height, shape.width, y, x)];
    }
  return mask;
}

void kspace_corrupt(const Fft2d& fft, const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                    std::span<const float> clean, std::span<float> noisy) {
  std::vector<std::complex<float>> spectrum(fft.shape().size());
  fft.forward(clean, spectrum);
  for (std::size_t i = 0; i < spectrum.size(); ++i)
    spectrum[i] = mask[i] != 0 ? spectrum[i] / sampling.keep_probability[i] : std::complex<float>{};
  fft.inverse(spectrum, noisy);
}

void kspace_data_consistency(const Fft2d& fft, const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                             std::span<const float> noisy, std::span<float> restored) {
  std::vector<std::complex<float>> measured(fft.shape().size());
  std::vector<std::complex<float>> spectrum(fft.shape().size());
  fft.forward(noisy, measured);
  fft.forward(restored, spectrum);
  for (std::size_t i = 0; i < spectrum.size(); ++i)
    if (mask[i] != 0) spectrum[i] = measured[i] * sampling.keep_probability[i];
  fft.inverse(spectrum, restored);
}

}  // namespace n2s
