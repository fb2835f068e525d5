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

}  // namespace

double cosine_learning_rate(double first, long index, long count) {
  return first * 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(index) / static_cast<double>(count)));
}

double learning_rate(Schedule schedule, double first, const TrainingProgress& p) {
  if (schedule == Schedule::cosine_per_step) {
    const double warm = first * std::min(1.0, static_cast<double>(p.step + 1) / kWarmUpSteps);
    return p.total_steps == 0 ? warm : cosine_learning_rate(warm, p.step, p.total_steps);
  }
  if (p.total_steps == 0) return first;
  const long epochs = (p.total_steps + p.steps_per_epoch - 1) / p.steps_per_epoch;
  return cosine_learning_rate(first, p.step / p.steps_per_epoch, epochs);
}

}  // namespace n2s
