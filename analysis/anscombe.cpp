// See anscombe.h.
#include "analysis/anscombe.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr double kStep = 0.25;     // events between tabulated clean values
constexpr double kMostMean = 100;  // events; from here on the asymptotic inverse is exact to 1e-4
constexpr int kMostEvents = 260;   // of a Poisson variable with mean kMostMean: 16 deviations above

double transform(double events, double read_variance) {
  return 2 * std::sqrt(std::max(0.0, events + 0.375 + read_variance));
}

/// Mean of the transform of a number of events plus read noise.
double mean_with_read_noise(double events, double read_variance) {
  constexpr int kNodes = 80;
  constexpr double kReach = 8;  // deviations
  const double deviation = std::sqrt(read_variance);
  double sum = 0;
  double weights = 0;
  for (int i = -kNodes; i <= kNodes; ++i) {
    const double t = kReach * i / kNodes;
    const double weight = std::exp(-t * t / 2);
    sum += weight * transform(events + deviation * t, read_variance);
    weights += weight;
  }
  return sum / weights;
}

/// Means of the transform for clean values 0, kStep, 2 kStep ... kMostMean.
std::vector<double> tabulate(double read_variance) {
  std::vector<double> of_events;
  for (int k = 0; k <= kMostEvents; ++k) of_events.push_back(mean_with_read_noise(k, read_variance));
  std::vector<double> means;
  for (int i = 0; i * kStep <= kMostMean; ++i) {
    const double clean = i * kStep;
    double mean = 0;
    for (int k = 0; k <= kMostEvents; ++k) {
      const double logarithm = clean > 0 ? k * std::log(clean) - clean - std::lgamma(k + 1.0) : (k == 0 ? 0 : -1e9);
      mean += std::exp(logarithm) * of_events[static_cast<std::size_t>(k)];
    }
    means.push_back(mean);
  }
  return means;
}

/// For large values.
double asymptotic_inverse(double mean, double read_variance) {
  const double root = std::sqrt(1.5);
  return mean * mean / 4 + root / (4 * mean) - 11 / (8 * mean * mean) + 5 * root / (8 * mean * mean * mean) - 0.125 -
         read_variance;
}

}  // namespace

Anscombe::Anscombe(const PoissonGaussian& noise)
    : gain_(noise.gain),
      black_(noise.offset < 0 && noise.gain > 0 ? -noise.offset / noise.gain : 0),
      read_variance_(std::max(0.0, noise.offset) / (noise.gain * noise.gain)) {
  if (!(gain_ > 0 && std::isfinite(gain_) && std::isfinite(noise.offset)))
    throw Error("Poisson-Gaussian noise needs a gain above 0");
  means_ = tabulate(read_variance_);
}

float Anscombe::forward(float value) const {
  return static_cast<float>(transform((double{value} - black_) / gain_, read_variance_));
}

float Anscombe::inverse(float mean) const {
  double events = 0;
  if (double{mean} >= means_.back()) {
    events = asymptotic_inverse(mean, read_variance_);
  } else if (double{mean} > means_.front()) {
    const auto above = std::upper_bound(means_.begin(), means_.end(), double{mean});
    const auto i = static_cast<double>(above - means_.begin());
    events = kStep * (i - (*above - double{mean}) / (*above - *(above - 1)));
  }
  return static_cast<float>(black_ + gain_ * events);
}

}  // namespace n2s
