// The fast Fourier transform against the definition in double precision, for sizes of every kind.
#include "kernels/fft/fft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "kernels/base/error.h"
#include "kernels/base/thread_pool.h"
#include "tests/kernels/random_image.h"

using namespace n2s;
using namespace n2s::test;

namespace {

constexpr PlaneSize kFftSizes[]{{1, 1},   {1, 2},   {2, 1},   {2, 2},   {3, 5},   {5, 4},   {4, 6},
                                {7, 7},   {8, 8},   {16, 9},  {1, 17},  {17, 1},  {13, 11}, {31, 2},
                                {2, 31},  {25, 15}, {32, 8},  {3, 64},  {23, 29}, {37, 10}, {10, 37},
                                {49, 12}, {24, 30}, {41, 37}, {1, 251}, {74, 3},  {3, 101}, {211, 2}};

/// Squared error over squared size of the expected values.
template <class Got, class Want>
double nmse(const Got& got, const Want& want) {
  double error = 0;
  double energy = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::norm(static_cast<std::complex<double>>(got[i]) - static_cast<std::complex<double>>(want[i]));
    energy += std::norm(static_cast<std::complex<double>>(want[i]));
  }
  return error / energy;
}

std::vector<std::complex<float>> random_spectrum(std::size_t count, std::uint64_t seed) {
  const std::vector<float> values = random_values(2 * count, seed);
  std::vector<std::complex<float>> spectrum;
  for (std::size_t i = 0; i < count; ++i) spectrum.emplace_back(values[2 * i], values[2 * i + 1]);
  return spectrum;
}

}  // namespace

TEST_CASE("the reference: a wave has one frequency, of half the number of pixels") {
  const SpectrumShape shape{6, 9};
  std::vector<double> wave;
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 9; ++x) wave.push_back(std::cos(2 * std::numbers::pi * (2.0 * y / 6 + 3.0 * x / 9) + 0.3));
  const auto spectrum = fft2d_reference(wave, shape);
  for (int ky = 0; ky < 6; ++ky)
    for (int kx = 0; kx < 5; ++kx) {
      const bool peak = ky == 2 && kx == 3;
      const std::complex<double> want = peak ? std::polar(27.0, 0.3) : std::complex<double>(0);
      CHECK(std::abs(spectrum[static_cast<std::size_t>(ky * 5 + kx)] - want) < 1e-12);
    }
}

TEST_CASE("forward equals the definition") {
  for (const PlaneSize& size : kFftSizes) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const Fft2d fft(size.height, size.width);
    const std::vector<float> image = random_values(size.pixels(), 1);
    std::vector<std::complex<float>> spectrum(fft.shape().size());
    fft.forward(image, spectrum);
    CHECK(nmse(spectrum, fft2d_reference(converted<double>(image), fft.shape())) < 1e-12);
  }
}

TEST_CASE("inverse equals the definition, also of spectra that no real image has") {
  for (const PlaneSize& size : kFftSizes) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const Fft2d fft(size.height, size.width);
    const auto spectrum = random_spectrum(fft.shape().size(), 2);
    std::vector<float> image(size.pixels());
    fft.inverse(spectrum, image);
    const std::vector<std::complex<double>> exact(spectrum.begin(), spectrum.end());
    CHECK(nmse(image, inverse_fft2d_reference(exact, fft.shape())) < 1e-12);
  }
}

TEST_CASE("there and back is the image") {
  constexpr PlaneSize kLarge[]{{256, 256}, {255, 255}, {217, 181}, {512, 320}, {1, 4096},
                               {257, 256}, {600, 7},   {1021, 9},  {8, 10007}};
  for (const PlaneSize& size : kLarge) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const Fft2d fft(size.height, size.width);
    const std::vector<float> image = random_values(size.pixels(), 3);
    std::vector<std::complex<float>> spectrum(fft.shape().size());
    std::vector<float> back(image.size());
    fft.forward(image, spectrum);
    fft.inverse(spectrum, back);
    CHECK(nmse(back, image) < 1e-12);
  }
}

TEST_CASE("one plan serves several threads at once") {
  ThreadPool pool(4);
  const Fft2d fft(60, 45);
  const std::vector<float> image = random_values(PlaneSize{60, 45}.pixels(), 4);
  std::vector<std::complex<float>> alone(fft.shape().size());
  fft.forward(image, alone);
  std::vector<std::vector<std::complex<float>>> together(32, std::vector<std::complex<float>>(fft.shape().size()));
  pool.parallel_for(32, [&](std::ptrdiff_t i, int) { fft.forward(image, together[static_cast<std::size_t>(i)]); });
  for (const auto& spectrum : together) CHECK(spectrum == alone);
}

TEST_CASE("sizes that do not fit are errors") {
  CHECK_THROWS_AS(Fft2d(0, 4), Error);
  CHECK_THROWS_AS(Fft2d(4, -1), Error);
  const Fft2d fft(4, 6);
  std::vector<float> image(24);
  std::vector<std::complex<float>> spectrum(16);
  CHECK_NOTHROW(fft.forward(image, spectrum));
  CHECK_THROWS_AS(fft.forward(image, std::span(spectrum).first(15)), Error);
  CHECK_THROWS_AS(fft.inverse(spectrum, std::span(image).first(23)), Error);
}
