// The Fourier transform by definition, in double precision: what the tests compare KissFFT and cuFFT with.
#include <cmath>
#include <numbers>

#include "kernels/fft/fft.h"

namespace n2s {
namespace {

std::complex<double> turn(int k, int x, int size) {
  const double angle = -2 * std::numbers::pi * static_cast<double>(k) * static_cast<double>(x) / size;
  return {std::cos(angle), std::sin(angle)};
}

std::size_t at(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

}  // namespace

std::vector<std::complex<double>> fft2d_reference(std::span<const double> image, const SpectrumShape& shape) {
  std::vector<std::complex<double>> spectrum;
  for (int ky = 0; ky < shape.height; ++ky)
    for (int kx = 0; kx < shape.columns(); ++kx) {
      std::complex<double> sum = 0;
      for (int y = 0; y < shape.height; ++y)
        for (int x = 0; x < shape.width; ++x)
          sum += image[at(y, shape.width, x)] * turn(ky, y, shape.height) * turn(kx, x, shape.width);
      spectrum.push_back(sum);
    }
  return spectrum;
}

std::vector<double> inverse_fft2d_reference(std::span<const std::complex<double>> spectrum,
                                            const SpectrumShape& shape) {
  std::vector<double> image;
  for (int y = 0; y < shape.height; ++y)
    for (int x = 0; x < shape.width; ++x) {
      double sum = 0;
      for (int ky = 0; ky < shape.height; ++ky)
        for (int kx = 0; kx < shape.width; ++kx) {
          const bool stored = kx < shape.columns();
          const int row = stored ? ky : (shape.height - ky) % shape.height;
          const int column = stored ? kx : shape.width - kx;
          auto value = spectrum[at(row, shape.columns(), column)];
          if (!stored) value = std::conj(value);
          sum += (value * std::conj(turn(ky, y, shape.height) * turn(kx, x, shape.width))).real();
        }
      image.push_back(sum / (static_cast<double>(shape.height) * shape.width));
    }
  return image;
}

}  // namespace n2s
