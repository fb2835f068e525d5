// Camera noise by definition, in double precision: what the tests compare with_noise() with. The Poisson variate is the
// inverse of a distribution function whose every term is computed from scratch, not from the term before.
#include <cmath>

#include "kernels/noise/noise.h"

namespace n2s {
namespace {

/// P(events = k) for a Poisson distribution.
double poisson_probability(double mean, int k) {
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
}

double poisson_reference(double mean, const RandomKey& key, std::uint32_t index) {
  if (mean <= 0) return 0;
  if (mean > 200) return std::fmax(0.0, std::round(mean + std::sqrt(mean) * random_normal(key, 2 * index)));
  const PhiloxBlock bits = random_block(key, index);
  const double uniform = std::ldexp(bits[0], -32) + std::ldexp(bits[1], -64);
  int events = 0;
  for (double distribution = poisson_probability(mean, 0); distribution <= uniform && events < 1000;)
    distribution += poisson_probability(mean, ++events);
  return events;
}

}  // namespace

double with_noise_reference(const PixelNoise& noise, double clean, const RandomKey& key, std::uint32_t index) {
  if (noise.gain <= 0) return clean + noise.sigma * random_normal(key, index);
  RandomKey reading = key;
  reading.minor ^= 0x800U;
  const double electronic = noise.sigma > 0 ? noise.sigma * random_normal(reading, index) : 0;
  return noise.gain * poisson_reference(clean / noise.gain, key, index) + electronic;
}

}  // namespace n2s
