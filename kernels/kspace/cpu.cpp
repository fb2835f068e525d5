#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/kspace/kspace.h"

namespace n2s {
namespace {

/// Distance from DC along one axis, in index units.
int frequency(int index, int size) { return std::min(index, size - index); }

double mean_keep_probability(int height, int width, double lambda) {
  double sum = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      sum += std::exp(-lambda * std::hypot(frequency(y, height), frequency(x, width)));
  return sum / (static_cast<double>(height) * width);
}

double solve_lambda(int height, int width, double rate) {
  double low = 0;
  double high = 1;
  while (mean_keep_probability(height, width, high) > rate && high < 1e6) high *= 2;
  for (int i = 0; i < 100 && high - low > 1e-12 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (mean_keep_probability(height, width, middle) > rate ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

KspaceSampling kspace_sampling(int height, int width, double rate) {
  const double pixels = static_cast<double>(height) * width;
  if (!(rate > 1 / pixels) || rate > 1)
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
  const auto at = [&](int y, int x) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(shape.columns()) + static_cast<std::size_t>(x);
  };
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.columns(); ++x) {
      // In the columns x = 0 and x = width / 2 both of a pair are stored: the upper one draws for the two.
      const bool own_mirror_column = x == 0 || 2 * x == shape.width;
      const int drawn = own_mirror_column ? std::min(y, (shape.height - y) % shape.height) : y;
      const auto index = static_cast<std::uint32_t>(at(drawn, x));
      mask[at(y, x)] = random_uniform(key, index) < sampling.keep_probability[at(y, x)] ? 1 : 0;
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

void kspace_restore_measured(const Fft2d& fft, const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
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
