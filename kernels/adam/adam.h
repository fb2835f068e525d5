// Adam (Kingma & Ba 2015, algorithm 1), for all parameters of a network in one pass.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/base/thread_pool.h"

namespace n2s {

struct AdamSettings {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// One update; all spans have one length. `step` counts from 1.
template <typename T>
struct AdamUpdate {
  std::span<T> parameters, first_moment, second_moment;
  std::span<const T> gradients;
  AdamSettings settings;
  long step = 1;
};

/// Element by element, T = float or double.
template <typename T>
void adam_reference(const AdamUpdate<T>& update);

void adam_cpu(const AdamUpdate<float>& update, ThreadPool& pool);

}  // namespace n2s
