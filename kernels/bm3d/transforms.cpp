// See transforms.h.
#include "kernels/bm3d/transforms.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace n2s {
namespace {

using Matrix = std::vector<double>;

std::vector<float> to_floats(const Matrix& matrix) {
  return {matrix.begin(), matrix.end()};
}

/// Gauss-Jordan elimination with row pivots.
Matrix inverse_of(Matrix a, std::size_t n) {
  Matrix b(n * n);
  for (std::size_t i = 0; i < n; ++i) b[i * n + i] = 1;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column; row < n; ++row)
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    for (std::size_t i = 0; i < n; ++i) {
      std::swap(a[pivot * n + i], a[column * n + i]);
      std::swap(b[pivot * n + i], b[column * n + i]);
    }
    const double scale = 1 / a[column * n + column];
    for (std::size_t i = 0; i < n; ++i) {
      a[column * n + i] *= scale;
      b[column * n + i] *= scale;
    }
    for (std::size_t row = 0; row < n; ++row) {
      const double factor = a[row * n + column];
      if (row == column || factor == 0) continue;
      for (std::size_t i = 0; i < n; ++i) {
        a[row * n + i] -= factor * a[column * n + i];
        b[row * n + i] -= factor * b[column * n + i];
      }
    }
  }
  return b;
}

/// One level: the first half of the result is smooth, the second has the details.
std::vector<double> analysis_step(const std::vector<double>& signal) {
  constexpr double kSide = 0.01657281518405971;
  constexpr double kMiddle = 0.12153397801643787;
  constexpr double kRoot = std::numbers::sqrt2 / 2;
  constexpr std::array kLow{kSide, -kSide, -kMiddle, kMiddle, kRoot, kRoot, kMiddle, -kMiddle, -kSide, kSide};
  const std::size_t n = signal.size();
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n / 2; ++i) {
    for (std::size_t tap = 0; tap < kLow.size(); ++tap) result[i] += kLow[tap] * signal[(2 * i + tap + 4 * n - 4) % n];
    result[n / 2 + i] = kRoot * (signal[2 * i] - signal[2 * i + 1]);
  }
  return result;
}

double bessel_i0(double x) {
  double term = 1;
  double sum = 1;
  for (int k = 1; k < 30; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

}  // namespace

BlockTransform wavelet_transform(int block) {
  const auto n = static_cast<std::size_t>(block);
  Matrix forward(n * n);
  for (std::size_t column = 0; column < n; ++column) {
    std::vector<double> coefficients(n);
    coefficients[column] = 1;
    for (std::size_t length = n; length > 1; length /= 2) {
      const std::vector<double> part =
          analysis_step({coefficients.begin(), coefficients.begin() + static_cast<std::ptrdiff_t>(length)});
      std::copy(part.begin(), part.end(), coefficients.begin());
    }
    for (std::size_t row = 0; row < n; ++row) forward[row * n + column] = coefficients[row];
  }
  for (std::size_t row = 0; row < n; ++row) {
    double squares = 0;
    for (std::size_t i = 0; i < n; ++i) squares += forward[row * n + i] * forward[row * n + i];
    for (std::size_t i = 0; i < n; ++i) forward[row * n + i] /= std::sqrt(squares);
  }
  return {block, to_floats(forward), to_floats(inverse_of(forward, n))};
}

BlockTransform cosine_transform(int block) {
  const auto n = static_cast<std::size_t>(block);
  Matrix forward(n * n);
  Matrix inverse(n * n);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i) {
      const double value =
          std::sqrt((k == 0 ? 1.0 : 2.0) / block) *
          std::cos(std::numbers::pi * (2 * static_cast<double>(i) + 1) * static_cast<double>(k) / (2.0 * block));
      forward[k * n + i] = value;
      inverse[i * n + k] = value;
    }
  return {block, to_floats(forward), to_floats(inverse)};
}

std::vector<float> kaiser_window(int block) {
  constexpr double kBeta = 2;
  std::vector<double> line;
  for (int i = 0; i < block; ++i) {
    const double at = 2.0 * i / (block - 1) - 1;
    line.push_back(bessel_i0(kBeta * std::sqrt(1 - at * at)) / bessel_i0(kBeta));
  }
  std::vector<float> window;
  window.reserve(line.size() * line.size());
  for (const double y : line)
    for (const double x : line) window.push_back(static_cast<float>(y * x));
  return window;
}

}  // namespace n2s
