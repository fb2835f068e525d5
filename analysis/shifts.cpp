// See shifts.h.
#include "analysis/shifts.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <optional>

#include "kernels/fft/fft.h"

namespace n2s {
namespace {

constexpr double kFinest = 0.12;       // cycles per pixel: finer structure is mostly noise
constexpr double kClearMaximum = 0.5;  // of what two equal planes have

/// A plane without its mean, faded out towards its edges.
std::vector<float> faded(std::span<const float> plane, int height, int width) {
  double sum = 0;
  for (const float value : plane) sum += value;
  const double mean = sum / static_cast<double>(plane.size());
  const auto fade = [](int i, int size) { return 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 0.5) / size); };
  std::vector<float> result;
  result.reserve(plane.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      result.push_back(static_cast<float>(
          (plane[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] - mean) *
          fade(y, height) * fade(x, width)));
  return result;
}

class PhaseCorrelation {
 public:
  PhaseCorrelation(int height, int width) : height_(height), width_(width), fft_(height, width) {
    const SpectrumShape shape = fft_.shape();
    for (int ky = 0; ky < height; ++ky)
      for (int kx = 0; kx < shape.columns(); ++kx) {
        const double y = std::min(ky, height - ky) / static_cast<double>(height);
        const double x = kx / static_cast<double>(width);
        weights_.push_back(static_cast<float>(std::exp(-(y * y + x * x) / (2 * kFinest * kFinest))));
      }
  }

  std::vector<std::complex<float>> spectrum(std::span<const float> plane) const {
    std::vector<std::complex<float>> result(fft_.shape().size());
    fft_.forward(faded(plane, height_, width_), result);
    return result;
  }

  /// Nothing: no clear maximum.
  std::optional<Shift> between(const std::vector<std::complex<float>>& before,
                               const std::vector<std::complex<float>>& after) const {
    std::vector<std::complex<float>> product(before.size());
    double most = 0;  // the maximum, were all phases those of one shift
    for (std::size_t i = 0; i < product.size(); ++i) {
      const std::complex<float> cross = after[i] * std::conj(before[i]);
      const float size = std::sqrt(std::abs(cross));
      if (size > 0) product[i] = cross / size * weights_[i];
      most += 2 * size * weights_[i] / (static_cast<double>(height_) * width_);
    }
    std::vector<float> peaks(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_));
    fft_.inverse(product, peaks);
    const auto highest = std::max_element(peaks.begin(), peaks.end());
    if (*highest < kClearMaximum * most) return std::nullopt;
    const int at = static_cast<int>(highest - peaks.begin());
    const int y = at / width_;
    const int x = at % width_;
    const auto value = [&](int row, int column) {
      const int wrapped = (row + height_) % height_ * width_ + (column + width_) % width_;
      return double{peaks[static_cast<std::size_t>(wrapped)]};
    };
    return Shift{0, centred(y, height_) + top_of(value(y - 1, x), value(y, x), value(y + 1, x)),
                 centred(x, width_) + top_of(value(y, x - 1), value(y, x), value(y, x + 1))};
  }

 private:
  static double centred(int at, int size) { return at > size / 2 ? at - size : at; }

  /// Of the parabola through three values.
  static double top_of(double before, double at, double after) {
    const double bend = before - 2 * at + after;
    return bend < 0 ? std::clamp(0.5 * (before - after) / bend, -0.5, 0.5) : 0;
  }

  int height_, width_;
  Fft2d fft_;
  std::vector<float> weights_;
};

}  // namespace

namespace {

/// Whether the shift over two planes is the sum of those over one: where noise makes the maxima it is not.
bool agree(const Shift& first, const Shift& second, const Shift& both) {
  constexpr double kTolerance = 1;  // pixels
  return std::hypot(first.y + second.y - both.y, first.x + second.x - both.x) < kTolerance;
}

}  // namespace

std::vector<Shift> measure_shifts(const PlaneSample& sample) {
  std::vector<Shift> shifts;
  if (sample.planes.empty()) return shifts;
  const Stack& first = sample.planes.front();
  const PhaseCorrelation correlation(first.height, first.width);
  for (std::size_t r = 0; r < sample.planes.size(); ++r) {
    const Stack& run = sample.planes[r];
    std::vector<std::vector<std::complex<float>>> spectra;
    spectra.reserve(static_cast<std::size_t>(run.planes));
    for (int plane = 0; plane < run.planes; ++plane) spectra.push_back(correlation.spectrum(plane_of(run, plane)));
    for (std::size_t plane = 2; plane < spectra.size(); ++plane) {
      const std::optional<Shift> before = correlation.between(spectra[plane - 2], spectra[plane - 1]);
      std::optional<Shift> here = correlation.between(spectra[plane - 1], spectra[plane]);
      const std::optional<Shift> both = correlation.between(spectra[plane - 2], spectra[plane]);
      if (!before || !here || !both || !agree(*before, *here, *both)) continue;
      here->plane = sample.runs[r][plane];
      shifts.push_back(*here);
    }
  }
  return shifts;
}

double typical_shift(const std::vector<Shift>& shifts) {
  if (shifts.empty()) return 0;
  std::vector<double> lengths;
  lengths.reserve(shifts.size());
  for (const Shift& shift : shifts) lengths.push_back(std::hypot(shift.y, shift.x));
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  return *middle;
}

}  // namespace n2s
