// How the learning rate falls (Papkov et al. 2020, section 2.1.2: a cosine, stepped every epoch).
#pragma once

#include <cmath>
#include <numbers>

namespace n2s {

/// base * (1 + cos(pi * index / count)) / 2 for index = 0 .. count - 1: from base to almost 0.
inline double cosine_learning_rate(double base, long index, long count) {
  return base * 0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(index) / static_cast<double>(count)));
}

}  // namespace n2s
