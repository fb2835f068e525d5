// The Fourier transform on the CPU. Rows first, as complex transforms of two real rows at a time (their spectra are
// separated by symmetry), then columns. KissFFT's real transform would need even sizes.
#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/fft/fft.h"
#include "kernels/fft/line.h"

namespace n2s {
namespace {

using Complex = std::complex<float>;

std::size_t size_of(int count) {
  return static_cast<std::size_t>(count);
}

std::size_t index(int row, int columns, int column) {
  return size_of(row) * size_of(columns) + size_of(column);
}

/// Transforms each column in place, eight at a time: eight values fill a cache line.
void transform_columns(const LineFft& fft, const SpectrumShape& shape, std::span<Complex> spectrum) {
  constexpr int kTogether = 8;
  const std::size_t height = size_of(shape.height);
  std::vector<Complex> lines(kTogether * height);
  std::vector<Complex> transformed(lines.size());
  std::vector<Complex> scratch(fft.scratch());
  for (int first = 0; first < shape.columns(); first += kTogether) {
    const std::size_t count = size_of(std::min(kTogether, shape.columns() - first));
    for (int y = 0; y < shape.height; ++y)
      for (std::size_t x = 0; x < count; ++x)
        lines[x * height + size_of(y)] = spectrum[index(y, shape.columns(), first) + x];
    for (std::size_t x = 0; x < count; ++x)
      fft.run(lines.data() + x * height, transformed.data() + x * height, scratch.data());
    for (int y = 0; y < shape.height; ++y)
      for (std::size_t x = 0; x < count; ++x)
        spectrum[index(y, shape.columns(), first) + x] = transformed[x * height + size_of(y)];
  }
}

/// The spectra of two real rows from that of first + i second. `second` may be null.
void separate(const std::vector<Complex>& both, int columns, Complex* first, Complex* second) {
  const std::size_t width = both.size();
  for (std::size_t x = 0; x < size_of(columns); ++x) {
    const Complex here = both[x];
    const Complex mirrored = std::conj(both[x == 0 ? 0 : width - x]);
    const Complex difference = here - mirrored;
    first[x] = 0.5F * (here + mirrored);
    if (second != nullptr) second[x] = {0.5F * difference.imag(), -0.5F * difference.real()};
  }
}

/// first + i second over the whole width, from the halves that are stored. `second` may be null.
void unite(const Complex* first, const Complex* second, int columns, std::vector<Complex>& both) {
  const std::size_t width = both.size();
  for (std::size_t x = 0; x < size_of(columns); ++x) {
    Complex a = first[x];
    Complex b = second != nullptr ? second[x] : Complex{};
    const bool own_mirror = x == 0 || 2 * x == width;
    if (own_mirror) {
      a.imag(0);
      b.imag(0);
    }
    both[x] = {a.real() - b.imag(), a.imag() + b.real()};
    if (!own_mirror) both[width - x] = {a.real() + b.imag(), b.real() - a.imag()};
  }
}

void check_sizes(const SpectrumShape& shape, std::size_t pixels, std::size_t bins) {
  if (pixels != size_of(shape.height) * size_of(shape.width) || bins != shape.size())
    throw Error("Fourier transform: the sizes do not fit together");
}

int positive(int size) {
  if (size < 1) throw Error("a Fourier transform needs at least 1 pixel");
  return size;
}

}  // namespace

struct Fft2d::Plans {
  SpectrumShape shape;
  LineFft row, row_inverse, column, column_inverse;
};

Fft2d::Fft2d(int height, int width)
    : plans_(std::make_unique<Plans>(Plans{
          {positive(height), positive(width)}, {width, false}, {width, true}, {height, false}, {height, true}})) {}
Fft2d::~Fft2d() = default;
Fft2d::Fft2d(Fft2d&&) noexcept = default;
Fft2d& Fft2d::operator=(Fft2d&&) noexcept = default;

SpectrumShape Fft2d::shape() const {
  return plans_->shape;
}

void Fft2d::forward(std::span<const float> image, std::span<Complex> spectrum) const {
  const SpectrumShape& shape = plans_->shape;
  check_sizes(shape, image.size(), spectrum.size());
  std::vector<Complex> rows(size_of(shape.width));
  std::vector<Complex> transformed(rows.size());
  std::vector<Complex> scratch(plans_->row.scratch());
  for (int y = 0; y < shape.height; y += 2) {
    const bool pair = y + 1 < shape.height;
    const float* row = image.data() + index(y, shape.width, 0);
    for (std::size_t x = 0; x < rows.size(); ++x) rows[x] = {row[x], pair ? row[x + rows.size()] : 0.0F};
    plans_->row.run(rows.data(), transformed.data(), scratch.data());
    Complex* out = spectrum.data() + index(y, shape.columns(), 0);
    separate(transformed, shape.columns(), out, pair ? out + shape.columns() : nullptr);
  }
  transform_columns(plans_->column, shape, spectrum);
}

void Fft2d::inverse(std::span<const Complex> spectrum, std::span<float> image) const {
  const SpectrumShape& shape = plans_->shape;
  check_sizes(shape, image.size(), spectrum.size());
  std::vector<Complex> half(spectrum.begin(), spectrum.end());
  transform_columns(plans_->column_inverse, shape, half);
  std::vector<Complex> rows(size_of(shape.width));
  std::vector<Complex> transformed(rows.size());
  std::vector<Complex> scratch(plans_->row_inverse.scratch());
  const float scale = 1 / (static_cast<float>(shape.height) * static_cast<float>(shape.width));
  for (int y = 0; y < shape.height; y += 2) {
    const bool pair = y + 1 < shape.height;
    const Complex* in = half.data() + index(y, shape.columns(), 0);
    unite(in, pair ? in + shape.columns() : nullptr, shape.columns(), rows);
    plans_->row_inverse.run(rows.data(), transformed.data(), scratch.data());
    float* out = image.data() + index(y, shape.width, 0);
    for (std::size_t x = 0; x < rows.size(); ++x) {
      out[x] = scale * transformed[x].real();
      if (pair) out[x + rows.size()] = scale * transformed[x].imag();
    }
  }
}

}  // namespace n2s
