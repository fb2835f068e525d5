// Rows first, as complex transforms of two real rows at a time (their spectra come apart by symmetry), then columns:
// this way KissFFT's restriction of its real transform to even sizes does not matter.
#include <kissfft/kiss_fft.h>

#include <cstdlib>

#include "kernels/base/error.h"
#include "kernels/fft/fft.h"

namespace n2s {
namespace {

using Complex = std::complex<float>;

struct Free {
  void operator()(kiss_fft_state* plan) const { std::free(plan); }  // NOLINT: KissFFT's own allocation
};
using PlanPointer = std::unique_ptr<kiss_fft_state, Free>;

PlanPointer make_plan(int length, bool inverse) {
  PlanPointer plan(kiss_fft_alloc(length, inverse ? 1 : 0, nullptr, nullptr));
  if (!plan) throw Error("not enough memory for a Fourier transform");
  return plan;
}

kiss_fft_cpx* kiss(Complex* p) { return reinterpret_cast<kiss_fft_cpx*>(p); }  // NOLINT: same layout

std::size_t index(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

}  // namespace

struct Fft2d::Plans {
  SpectrumShape shape;
  PlanPointer row, row_inverse, column, column_inverse;

  /// Transforms each column in place; `line` is scratch memory of height values.
  void columns(const PlanPointer& plan, std::span<Complex> spectrum, std::vector<Complex>& line) const {
    std::vector<Complex> result(line.size());
    for (int x = 0; x < shape.columns(); ++x) {
      for (int y = 0; y < shape.height; ++y) line[static_cast<std::size_t>(y)] = spectrum[index(y, shape.columns(), x)];
      kiss_fft(plan.get(), kiss(line.data()), kiss(result.data()));
      for (int y = 0; y < shape.height; ++y)
        spectrum[index(y, shape.columns(), x)] = result[static_cast<std::size_t>(y)];
    }
  }
};

Fft2d::Fft2d(int height, int width) : plans_(std::make_unique<Plans>()) {
  if (height < 1 || width < 1) throw Error("a Fourier transform needs at least 1 pixel");
  *plans_ = {{height, width}, make_plan(width, false), make_plan(width, true), make_plan(height, false),
             make_plan(height, true)};
}
Fft2d::~Fft2d() = default;
Fft2d::Fft2d(Fft2d&&) noexcept = default;
Fft2d& Fft2d::operator=(Fft2d&&) noexcept = default;

SpectrumShape Fft2d::shape() const { return plans_->shape; }

void Fft2d::forward(std::span<const float> image, std::span<Complex> spectrum) const {
  const auto [height, width] = plans_->shape;
  const int columns = plans_->shape.columns();
  const auto n = static_cast<std::size_t>(width);
  if (image.size() != static_cast<std::size_t>(height) * n || spectrum.size() != plans_->shape.size())
    throw Error("fft: the sizes do not fit together");
  std::vector<Complex> rows(n);
  std::vector<Complex> transformed(n);
  for (int y = 0; y < height; y += 2) {
    const bool pair = y + 1 < height;
    for (int x = 0; x < width; ++x)
      rows[static_cast<std::size_t>(x)] = {image[index(y, width, x)], pair ? image[index(y + 1, width, x)] : 0.0F};
    kiss_fft(plans_->row.get(), kiss(rows.data()), kiss(transformed.data()));
    for (int x = 0; x < columns; ++x) {
      const Complex here = transformed[static_cast<std::size_t>(x)];
      const Complex mirrored = std::conj(transformed[static_cast<std::size_t>((width - x) % width)]);
      spectrum[index(y, columns, x)] = 0.5F * (here + mirrored);
      if (pair) spectrum[index(y + 1, columns, x)] = Complex(0, -0.5F) * (here - mirrored);
    }
  }
  std::vector<Complex> line(static_cast<std::size_t>(height));
  plans_->columns(plans_->column, spectrum, line);
}

void Fft2d::inverse(std::span<const Complex> spectrum, std::span<float> image) const {
  const auto [height, width] = plans_->shape;
  const int columns = plans_->shape.columns();
  const auto n = static_cast<std::size_t>(width);
  if (image.size() != static_cast<std::size_t>(height) * n || spectrum.size() != plans_->shape.size())
    throw Error("inverse fft: the sizes do not fit together");
  std::vector<Complex> half(spectrum.begin(), spectrum.end());
  std::vector<Complex> line(static_cast<std::size_t>(height));
  plans_->columns(plans_->column_inverse, half, line);
  std::vector<Complex> rows(n);
  std::vector<Complex> transformed(n);
  const float scale = 1 / (static_cast<float>(height) * static_cast<float>(width));
  const auto full = [&](int y, int x) {  // a row of a real image's spectrum, after the columns: conjugate-symmetric
    if (y >= height) return Complex(0, 0);
    Complex value = x < columns ? half[index(y, columns, x)] : std::conj(half[index(y, columns, width - x)]);
    if (x == 0 || 2 * x == width) value.imag(0);
    return value;
  };
  for (int y = 0; y < height; y += 2) {
    for (int x = 0; x < width; ++x) {
      const Complex second = full(y + 1, x);
      rows[static_cast<std::size_t>(x)] = full(y, x) + Complex(-second.imag(), second.real());
    }
    kiss_fft(plans_->row_inverse.get(), kiss(rows.data()), kiss(transformed.data()));
    for (int x = 0; x < width; ++x) {
      image[index(y, width, x)] = scale * transformed[static_cast<std::size_t>(x)].real();
      if (y + 1 < height) image[index(y + 1, width, x)] = scale * transformed[static_cast<std::size_t>(x)].imag();
    }
  }
}

}  // namespace n2s
