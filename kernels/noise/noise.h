// Noise that a camera adds to each pixel for itself: the usual model y = gain * Poisson(x / gain) + N(0, sigma). One
// function for CPU and GPU: the numbers are the same up to the rounding of their logarithms and cosines.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/philox.h"

namespace n2s {

/// In the file's units.
struct PixelNoise {
  double gain = 0;   // units per event; 0: no events are counted, only the Gaussian noise is added
  double sigma = 0;  // of the Gaussian noise; 0: none
};

/// Where pixels are stored as normalised = value * scale + offset.
struct PixelUnits {
  double scale = 1, offset = 0;
};

/// A Poisson number by inversion for small means; a rounded normal above, where the two agree to within the noise of
/// any image. Every index has a block of the key's stream for itself: pixels must not share numbers.
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

}  // namespace n2s
