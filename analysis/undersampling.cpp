// What is measured has noise at every frequency. Its power is distributed exponentially, so 1 in 50 lies below a
// fiftieth of its mean; missing frequencies do so by far more often, and next to others that do not.
#include "analysis/undersampling.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>

#include "kernels/fft/fft.h"

namespace n2s {
namespace {

constexpr double kMissing = 0.02;     // of the noise's power
constexpr double kManyMissing = 0.2;  // share of all frequencies
constexpr double kMixed = 0.08;       // share of neighbouring pairs of which one is missing
constexpr int kPlanes = 3;

struct Counts {
  double bins = 0, missing = 0, pairs = 0, mixed = 0;
};

/// `noise`: its mean power at one frequency.
void count(const Fft2d& fft, std::span<const float> plane, double noise, Counts& counts) {
  const SpectrumShape shape = fft.shape();
  std::vector<std::complex<float>> spectrum(shape.size());
  fft.forward(plane, spectrum);
  const int columns = shape.columns();
  const auto at = [&](int ky, int kx) {
    return static_cast<std::size_t>(ky) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(kx);
  };
  std::vector<bool> missing(spectrum.size());
  for (int ky = 0; ky < shape.height; ++ky)
    for (int kx = 0; kx < columns; ++kx) {
      missing[at(ky, kx)] = std::norm(spectrum[at(ky, kx)]) < kMissing * noise;
      ++counts.bins;
      counts.missing += missing[at(ky, kx)] ? 1 : 0;
      if (kx == 0) continue;
      ++counts.pairs;
      counts.mixed += missing[at(ky, kx)] != missing[at(ky, kx - 1)] ? 1 : 0;
    }
}

}  // namespace

Undersampling measure_undersampling(const PlanesToRead& planes, const PlaneSample& sample, double noise_variance) {
  if (sample.runs.empty()) return {};
  const Fft2d fft(planes.shape.height, planes.shape.width);
  Counts counts;
  const std::size_t step = std::max<std::size_t>(1, sample.runs.size() / kPlanes);
  for (std::size_t r = 0; r < sample.runs.size(); r += step) {
    Stack plane = planes.read(sample.runs[r][sample.runs[r].size() / 2], 1);
    for (float& value : plane.voxels)
      if (!std::isfinite(value)) value = 0;
    count(fft, plane.voxels, noise_variance * static_cast<double>(plane.voxels.size()), counts);
  }
  const double missing = counts.missing / counts.bins;
  return {missing, missing > kManyMissing && counts.mixed / counts.pairs > kMixed};
}

}  // namespace n2s
