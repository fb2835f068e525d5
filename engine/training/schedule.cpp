// The cosine, and the warm-up of runs that decay with every step.
#include "engine/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace n2s {
namespace {

// Adam's first updates move every weight by the whole learning rate, and the loss leaps up before it falls. A run of
// 30,000 steps forgets that; one of a few hundred does not have the time.
constexpr double kWarmUpSteps = 30;

/// Noise2Noise's epoch, 0 to 299.
long noise2noise_epoch(const TrainingProgress& p) {
  constexpr long kEpochs = 300;
  return p.total_steps == 0 ? 0 : std::min(kEpochs - 1, kEpochs * p.step / p.total_steps);
}

double noise2noise_ramp_up(long epoch) {
  const double missing = std::max(0.0, 1 - static_cast<double>(epoch) / 10);
  return std::exp(-5 * missing * missing);
}

double noise2noise_ramp_down(long epoch) {
  const double late = 0.5 * static_cast<double>(std::max(0L, epoch - 270));
  return std::exp(-late * late / 30);
}

}  // namespace

const char* describe(Schedule schedule) {
  if (schedule == Schedule::noise2noise) return "Noise2Noise's";
  return schedule == Schedule::cosine_per_epoch ? "cosine, per epoch" : "cosine, per step";
}

double cosine_learning_rate(double first, long index, long count) {
  return first * 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(index) / static_cast<double>(count)));
}

double learning_rate(Schedule schedule, double first, const TrainingProgress& p) {
  if (schedule == Schedule::cosine_per_step) {
    const double warm = first * std::min(1.0, static_cast<double>(p.step + 1) / kWarmUpSteps);
    return p.total_steps == 0 ? warm : cosine_learning_rate(warm, p.step, p.total_steps);
  }
  if (schedule == Schedule::noise2noise) {
    const long epoch = noise2noise_epoch(p);
    return first * noise2noise_ramp_up(epoch) * noise2noise_ramp_down(epoch);
  }
  if (p.total_steps == 0) return first;
  const long epochs = (p.total_steps + p.steps_per_epoch - 1) / p.steps_per_epoch;
  return cosine_learning_rate(first, p.step / p.steps_per_epoch, epochs);
}

double beta1(Schedule schedule, double first, const TrainingProgress& p) {
  constexpr double kLast = 0.5;
  if (schedule != Schedule::noise2noise) return first;
  const double down = noise2noise_ramp_down(noise2noise_epoch(p));
  return down * first + (1 - down) * kLast;
}

}  // namespace n2s
