// Undersampling in frequency space: published rates, symmetry and unbiasedness of the masks, and post-processing.
#include "kernels/kspace/kspace.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/error.h"
#include "tests/kernels/random_image.h"

using namespace n2s;
using namespace n2s::test;

namespace {

constexpr PlaneSize kSizes[]{{1, 1}, {2, 2}, {1, 8}, {9, 1}, {8, 8}, {9, 7}, {7, 10}, {12, 5}, {16, 16}};

RandomKey draw(std::uint32_t number, Purpose copy = Purpose::noise_input) {
  return {17, copy, 0, number, 0};
}

int distance(int index, int size) {
  return index <= size / 2 ? index : size - index;
}

std::size_t at(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

double mean_probability(int height, int width, double lambda) {
  double sum = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double squared = std::pow(distance(y, height), 2) + std::pow(distance(x, width), 2);
      sum += std::exp(-lambda * std::sqrt(squared));
    }
  return sum / height / width;
}

/// The whole grid of what is stored as half of it: element -k is element k.
template <class T>
std::vector<T> whole(const std::vector<T>& half, int height, int width) {
  std::vector<T> grid;
  const int columns = width / 2 + 1;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const bool stored = x < columns;
      const int row = stored ? y : (height - y) % height;
      grid.push_back(half[at(row, columns, stored ? x : width - x)]);
    }
  return grid;
}

std::complex<double> turn(double cycles) {
  return std::polar(1.0, 2 * 3.14159265358979323846 * cycles);
}

/// sum over the other grid of values * exp(sign 2 pi i (ky y / height + kx x / width)): both grids whole.
std::vector<std::complex<double>> transform(const std::vector<std::complex<double>>& values, int height, int width,
                                            int sign) {
  std::vector<std::complex<double>> result;
  for (int v = 0; v < height; ++v)
    for (int u = 0; u < width; ++u) {
      std::complex<double> sum = 0;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          sum += values[at(y, width, x)] *
                 turn(sign * (static_cast<double>(v * y) / height + static_cast<double>(u * x) / width));
      result.push_back(sum);
    }
  return result;
}

double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("lambda has the published values") {
  CHECK(kspace_sampling(256, 256, 0.1).lambda == doctest::Approx(0.029733).epsilon(2e-5));
  CHECK(kspace_sampling(255, 255, 0.1).lambda == doctest::Approx(0.029850).epsilon(2e-5));
  const double noise2noise = std::log(40.0) / 127;
  CHECK(mean_probability(255, 255, noise2noise) == doctest::Approx(0.1048).epsilon(1e-3));
  CHECK(kspace_sampling(255, 255, mean_probability(255, 255, noise2noise)).lambda == doctest::Approx(noise2noise));
}

TEST_CASE("any size and rate: the mean probability over the grid is the rate") {
  for (const PlaneSize& size : {PlaneSize{64, 64}, {63, 64}, {17, 300}, {1, 100}, {100, 1}, {255, 181}})
    for (const double rate : {0.02, 0.1, 0.5, 0.99}) {
      CAPTURE(size.height);
      CAPTURE(size.width);
      CAPTURE(rate);
      const KspaceSampling sampling = kspace_sampling(size.height, size.width, rate);
      CHECK(mean_probability(size.height, size.width, sampling.lambda) == doctest::Approx(rate).epsilon(1e-8));
      double sum = 0;
      for (const float p : whole(sampling.keep_probability, size.height, size.width)) sum += p;
      CHECK(sum / size.height / size.width == doctest::Approx(rate).epsilon(1e-5));
      CHECK(sampling.keep_probability[0] == 1);
    }
}

TEST_CASE("impossible rates are errors, and all frequencies is none lost") {
  for (const double rate : {0.0, -0.1, 1.01, 1.0 / 300, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(kspace_sampling(16, 16, rate), Error);
  CHECK_THROWS_AS(kspace_sampling(0, 16, 0.5), Error);
  const KspaceSampling all = kspace_sampling(9, 8, 1);
  const auto mask = kspace_mask(all, draw(0));
  CHECK(std::count(mask.begin(), mask.end(), 1) == 9 * 5);
}

TEST_CASE("a mask keeps both of a pair or none, DC always, and is a function of the key") {
  for (const PlaneSize& size : kSizes)
    for (std::uint32_t i = 0; i < 50; ++i) {
      const KspaceSampling sampling = kspace_sampling(size.height, size.width, size.pixels() == 1 ? 1 : 0.6);
      const auto mask = kspace_mask(sampling, draw(i));
      CHECK(mask[0] == 1);
      CHECK(mask == kspace_mask(sampling, draw(i)));
      const auto grid = whole(mask, size.height, size.width);
      for (int y = 0; y < size.height; ++y)
        for (int x = 0; x < size.width; ++x) {
          const std::size_t mirrored = at((size.height - y) % size.height, size.width, (size.width - x) % size.width);
          CHECK(grid[at(y, size.width, x)] == grid[mirrored]);
        }
    }
}

TEST_CASE("each frequency is kept as often as its probability says, whether it is its own conjugate or not") {
  constexpr int kDraws = 4000;
  for (const PlaneSize& size : {PlaneSize{8, 8}, {7, 9}, {9, 6}}) {
    const KspaceSampling sampling = kspace_sampling(size.height, size.width, 0.4);
    std::vector<int> kept(sampling.keep_probability.size());
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      const auto mask = kspace_mask(sampling, draw(i));
      for (std::size_t k = 0; k < kept.size(); ++k) kept[k] += mask[k];
    }
    for (std::size_t k = 0; k < kept.size(); ++k) {
      const double p = sampling.keep_probability[k];
      CHECK(std::abs(kept[k] - kDraws * p) <= 5 * std::sqrt(kDraws * p * (1 - p)));
    }
  }
}

TEST_CASE("the rate of a large mask is the requested one") {
  for (const int side : {255, 256}) {
    const KspaceSampling sampling = kspace_sampling(side, side, 0.1);
    double kept = 0;
    for (std::uint32_t i = 0; i < 10; ++i)
      for (const std::uint8_t bin : whole(kspace_mask(sampling, draw(i)), side, side)) kept += bin;
    CHECK(kept / 10 / side / side == doctest::Approx(0.1).epsilon(0.01));
  }
}

TEST_CASE("the masks of two copies, planes, epochs are independent") {
  const KspaceSampling sampling = kspace_sampling(128, 128, 0.3);
  RandomKey epoch = draw(1);
  epoch.epoch = 1;
  const auto first = kspace_mask(sampling, draw(1));
  for (const RandomKey& other : {draw(1, Purpose::noise_target), draw(2), epoch}) {
    const auto second = kspace_mask(sampling, other);
    double covariance = 0;
    double variance = 0;
    for (std::size_t k = 0; k < first.size(); ++k) {
      const double p = sampling.keep_probability[k];
      covariance += (first[k] - p) * (second[k] - p);
      variance += p * (1 - p) * p * (1 - p);
    }
    CHECK(std::abs(covariance) < 5 * std::sqrt(variance) * 1.5);  // 1.5: the pairs of two columns count twice
  }
}

TEST_CASE("corruption is the definition on the whole grid, and real") {
  for (const PlaneSize& size : kSizes) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    const auto pixels = size.pixels();
    const KspaceSampling sampling = kspace_sampling(size.height, size.width, pixels == 1 ? 1 : 0.6);
    const auto mask = kspace_mask(sampling, draw(3));
    const std::vector<float> clean = random_values(pixels, 5);
    const auto probability = whole(sampling.keep_probability, size.height, size.width);
    const auto kept = whole(mask, size.height, size.width);
    auto spectrum = transform(converted<std::complex<double>>(clean), size.height, size.width, -1);
    for (std::size_t k = 0; k < spectrum.size(); ++k) spectrum[k] *= kept[k] / static_cast<double>(probability[k]);
    std::vector<double> want;
    for (const std::complex<double>& value : transform(spectrum, size.height, size.width, 1)) {
      CHECK(std::abs(value.imag()) < 1e-9);
      want.push_back(value.real() / static_cast<double>(pixels));
    }
    std::vector<float> noisy(pixels);
    kspace_corrupt(Fft2d(size.height, size.width), sampling, mask, clean, noisy);
    CHECK(largest_difference(noisy, want) < 1e-5);
    const auto reference = kspace_corrupt_reference(sampling, mask, converted<double>(clean));
    CHECK(largest_difference(noisy, reference) < 1e-5);
  }
}

TEST_CASE("noisy images are unbiased") {
  constexpr int kDraws = 4000;
  for (const PlaneSize& size : {PlaneSize{12, 10}, {9, 7}}) {
    const auto pixels = size.pixels();
    const Fft2d fft(size.height, size.width);
    const KspaceSampling sampling = kspace_sampling(size.height, size.width, 0.3);
    const std::vector<float> clean = random_values(pixels, 6);
    std::vector<float> noisy(pixels);
    std::vector<double> sum(pixels);
    std::vector<double> squares(pixels);
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      kspace_corrupt(fft, sampling, kspace_mask(sampling, draw(i)), clean, noisy);
      for (std::size_t p = 0; p < pixels; ++p) {
        sum[p] += noisy[p];
        squares[p] += static_cast<double>(noisy[p]) * noisy[p];
      }
    }
    for (std::size_t p = 0; p < pixels; ++p) {
      const double mean = sum[p] / kDraws;
      const double standard_error = std::sqrt((squares[p] / kDraws - mean * mean) / kDraws);
      CHECK(standard_error > 0.005);  // it is noisy at all
      CHECK(std::abs(mean - clean[p]) < 5 * standard_error);
    }
  }
}

TEST_CASE("data consistency restores the measured frequencies and leaves the others alone") {
  for (const PlaneSize& size : {PlaneSize{32, 32}, {31, 26}, {26, 31}, {33, 17}}) {
    const auto pixels = size.pixels();
    const Fft2d fft(size.height, size.width);
    const KspaceSampling sampling = kspace_sampling(size.height, size.width, 0.2);
    const auto mask = kspace_mask(sampling, draw(8));
    const std::vector<float> clean = random_values(pixels, 7);
    const std::vector<float> output = random_values(pixels, 8);
    std::vector<float> noisy(pixels);
    kspace_corrupt(fft, sampling, mask, clean, noisy);
    std::vector<float> restored = output;
    kspace_data_consistency(fft, sampling, mask, noisy, restored);

    const SpectrumShape shape = fft.shape();
    const auto of_clean = fft2d_reference(converted<double>(clean), shape);
    const auto of_output = fft2d_reference(converted<double>(output), shape);
    const auto found = fft2d_reference(converted<double>(restored), shape);
    const double typical = std::sqrt(static_cast<double>(pixels) / 3);  // of |S| of such an image
    for (std::size_t k = 0; k < found.size(); ++k)
      CHECK(std::abs(found[k] - (mask[k] != 0 ? of_clean[k] : of_output[k])) < 1e-5 * typical);
    const auto reference =
        kspace_data_consistency_reference(sampling, mask, converted<double>(noisy), converted<double>(output));
    CHECK(largest_difference(restored, reference) < 1e-5);
  }
}

TEST_CASE(
    "post-processing does not mind a shift and scale of the voxels: normalisation keeps the measured ones right") {
  const Fft2d fft(32, 32);
  const KspaceSampling sampling = kspace_sampling(32, 32, 0.3);
  const auto mask = kspace_mask(sampling, draw(9));
  const std::vector<float> clean = random_values(1024, 9);
  std::vector<float> noisy(1024);
  kspace_corrupt(fft, sampling, mask, clean, noisy);
  std::vector<float> restored = clean;
  for (float& value : noisy) value = 3 * value + 10;
  for (float& value : restored) value = 3 * value + 10;
  kspace_data_consistency(fft, sampling, mask, noisy, restored);
  for (std::size_t i = 0; i < clean.size(); ++i) CHECK(restored[i] == doctest::Approx(3 * clean[i] + 10).epsilon(1e-5));
}
