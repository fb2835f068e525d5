// How the learning rate falls from its first value to almost 0: along a cosine (Papkov et al. 2020, section 2.1.2).
#pragma once

namespace n2s {

/// The paper lets the rate fall after every epoch. Runs that are measured in steps or minutes, and may be shorter than
/// a few epochs, let it fall with every step, after a warm-up. Noise2Noise's own code lets it rise over the first 10 of
/// 300 epochs and fall over the last 30, and Adam's beta1 with it; in runs of another length these are the same parts.
enum class Schedule { cosine_per_epoch, cosine_per_step, noise2noise };

/// "cosine, per epoch", ...
const char* describe(Schedule schedule);

/// Where a run is; total_steps 0: its length is not known yet.
struct TrainingProgress {
  long step = 0;  // updates made so far
  long total_steps = 0;
  long steps_per_epoch = 1;
};

/// first * (1 + cos(pi * index / count)) / 2 for index = 0 .. count - 1: from `first` to almost 0.
double cosine_learning_rate(double first, long index, long count);

/// The rate of the next update. Until the length is known the rate stays at `first`.
double learning_rate(Schedule schedule, double first, const TrainingProgress& progress);

/// Adam's beta1 at that update; `first` but for noise2noise.
double beta1(Schedule schedule, double first, const TrainingProgress& progress);

}  // namespace n2s
