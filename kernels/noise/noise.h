// Camera noise, independent for each pixel: y = gain * Poisson(x / gain) + N(0, sigma). One function for CPU and GPU:
// both draw the same random numbers, and results differ only by the rounding of logarithms and cosines.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/philox.h"

namespace n2s {

/// In the file's units.
struct PixelNoise {
  double gain = 0;   // units per counted event (photon); 0: Gaussian noise only
  double sigma = 0;  // of the Gaussian noise; 0: none
};

/// How pixels are stored: normalised = value * scale + offset.
struct PixelUnits {
  double scale = 1, offset = 0;
};

/// A Poisson variate: by inversion for small means, a rounded normal variate above 200, where the distributions differ
/// by less than any image shows. Every index has its own block of the key's stream: pixels must not share random
/// numbers.
N2S_HOST_DEVICE inline double poisson(double mean, const RandomKey& key, std::uint32_t index) {
  constexpr double kLargeMean = 200;
  if (mean <= 0) return 0;
  if (mean > kLargeMean) return std::fmax(0.0, std::round(mean + std::sqrt(mean) * random_normal(key, 2 * index)));
  const PhiloxBlock bits = random_block(key, index);
  const double uniform = (static_cast<double>(bits[0]) + bits[1] * 0x1p-32) * 0x1p-32;  // 64 bits: the tail matters
  double probability = std::exp(-mean);
  double cumulated = probability;
  int events = 0;
  while (uniform >= cumulated && events < 1000) {
    ++events;
    probability *= mean / events;
    cumulated += probability;
  }
  return events;
}

/// Pixel `index` of a plane with noise, not clipped. Negative values give no events.
N2S_HOST_DEVICE inline float with_noise(const PixelNoise& noise, float clean, const RandomKey& key,
                                        std::uint32_t index) {
  if (noise.gain <= 0) return static_cast<float>(clean + noise.sigma * random_normal(key, index));
  double value = noise.gain * poisson(clean / noise.gain, key, index);
  RandomKey reading = key;
  reading.minor ^= 0x800U;  // independent of the events
  if (noise.sigma > 0) value += noise.sigma * random_normal(reading, index);
  return static_cast<float>(value);
}

/// The same for a pixel that is stored normalised.
N2S_HOST_DEVICE inline float with_noise(const PixelNoise& noise, const PixelUnits& units, float normalised,
                                        const RandomKey& key, std::uint32_t index) {
  const auto clean = static_cast<float>((normalised - units.offset) / units.scale);
  return static_cast<float>(with_noise(noise, clean, key, index) * units.scale + units.offset);
}

/// with_noise() by definition and in double precision, from the same random numbers: for tests.
double with_noise_reference(const PixelNoise& noise, double clean, const RandomKey& key, std::uint32_t index);

}  // namespace n2s
