// One-dimensional transforms: KissFFT for lengths with small prime factors, Bluestein's algorithm for others.
#include "kernels/fft/line.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr int kLargestPrime = 31;  // up to this one KissFFT is at least as fast

int largest_prime_factor(int number) {
  int largest = 1;
  for (int factor = 2; factor * factor <= number; ++factor)
    for (; number % factor == 0; number /= factor) largest = factor;
  return std::max(largest, number);
}

}  // namespace

LineFft::Plan LineFft::make_plan(int length, bool inverse) {
  Plan plan(kiss_fft_alloc(length, inverse ? 1 : 0, nullptr, nullptr));
  if (!plan) throw Error("not enough memory for a Fourier transform");
  return plan;
}

void LineFft::kiss(const Plan& plan, const Complex* in, Complex* out) {
  kiss_fft(plan.get(), reinterpret_cast<const kiss_fft_cpx*>(in),  // NOLINT: same layout
           reinterpret_cast<kiss_fft_cpx*>(out));                  // NOLINT
}

LineFft::LineFft(int length, bool inverse) {
  if (largest_prime_factor(length) <= kLargestPrime)
    plan_ = make_plan(length, inverse);
  else
    prepare_chirp(length, inverse);
}

// With j k = (j^2 + k^2 - (k - j)^2) / 2 the transform is a convolution with a chirp, of any length from 2 n - 1 on.
void LineFft::prepare_chirp(int length, bool inverse) {
  const int padded = kiss_fft_next_fast_size(2 * length - 1);
  plan_ = make_plan(padded, false);
  plan_back_ = make_plan(padded, true);
  const std::int64_t period = 2 * std::int64_t{length};
  for (std::int64_t j = 0; j < length; ++j) {
    const double angle = std::numbers::pi * static_cast<double>(j * j % period) / length;
    chirp_.emplace_back(std::polar(1.0, inverse ? angle : -angle));
  }
  std::vector<Complex> kernel(static_cast<std::size_t>(padded));
  for (std::size_t j = 0; j < chirp_.size(); ++j) {
    const Complex value = std::conj(chirp_[j]) / static_cast<float>(padded);
    kernel[j] = value;
    if (j > 0) kernel[kernel.size() - j] = value;
  }
  chirp_spectrum_.resize(kernel.size());
  kiss(plan_, kernel.data(), chirp_spectrum_.data());
}

void LineFft::run(const Complex* in, Complex* out, Complex* scratch) const {
  if (chirp_.empty()) {
    kiss(plan_, in, out);
    return;
  }
  const std::size_t padded = chirp_spectrum_.size();
  Complex* line = scratch;
  Complex* spectrum = scratch + padded;
  for (std::size_t j = 0; j < chirp_.size(); ++j) line[j] = in[j] * chirp_[j];
  std::fill(line + chirp_.size(), line + padded, Complex{});
  kiss(plan_, line, spectrum);
  for (std::size_t k = 0; k < padded; ++k) spectrum[k] *= chirp_spectrum_[k];
  kiss(plan_back_, spectrum, line);
  for (std::size_t j = 0; j < chirp_.size(); ++j) out[j] = line[j] * chirp_[j];
}

}  // namespace n2s
