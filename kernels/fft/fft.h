// Two-dimensional Fourier transform of real images of any size, through KissFFT on the CPU.
#pragma once

#include <complex>
#include <memory>
#include <span>
#include <vector>

namespace n2s {

/// The half of the spectrum that a real image needs: row ky = 0 .. height - 1, column kx = 0 .. width / 2; the other
/// half is its conjugate, S(-k) = conj(S(k)).
struct SpectrumShape {
  int height = 0, width = 0;  // of the image, pixels
  int columns() const { return width / 2 + 1; }
  std::size_t size() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(columns()); }
};

/// Transforms images of one size. Calls on one plan may run at the same time.
class Fft2d {
 public:
  Fft2d(int height, int width);
  ~Fft2d();
  Fft2d(Fft2d&&) noexcept;
  Fft2d& operator=(Fft2d&&) noexcept;

  SpectrumShape shape() const;

  /// S(k) = sum of image(x) exp(-2 pi i k x / size), not scaled. image: height * width; spectrum: shape().size().
  void forward(std::span<const float> image, std::span<std::complex<float>> spectrum) const;
  /// The inverse of forward, scaled by 1 / (height * width). The spectrum is taken to be of a real image: the imaginary
  /// parts of bins that are their own conjugates are ignored.
  void inverse(std::span<const std::complex<float>> spectrum, std::span<float> image) const;

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

/// By definition, in double precision: O(size^2), for tests.
std::vector<std::complex<double>> fft2d_reference(std::span<const double> image, const SpectrumShape& shape);
std::vector<double> inverse_fft2d_reference(std::span<const std::complex<double>> spectrum, const SpectrumShape& shape);

}  // namespace n2s
