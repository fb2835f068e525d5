// Noise that is simulated, or told to a filter, and cannot be meant for the values at hand: most often a level for
// 8-bit images, given for images that go from 0 to 1.
#pragma once

#include <span>
#include <string>

#include "data/stack.h"
#include "engine/training/plane_noise.h"

namespace n2s {

/// Warns where Gaussian noise is stronger than the plane's whole range, or Poisson noise leaves hardly one event at its
/// brightest pixel. Returns whether it did.
bool warn_of_doubtful_level(const std::string& name, const NoiseSpec& noise, std::span<const float> plane);

/// Warns of values below 0 where light is counted: they become 0. Returns whether it did.
bool warn_of_negative_light(const std::string& name, const NoiseSpec& noise, std::span<const float> clean);

/// Throws Error where the noisy plane has frequencies that undersampling with this noise and key does not leave:
/// another rate, seed, copy or plane. `noise` is KspaceNoise.
void check_measured(const std::string& name, const NoiseSpec& noise, const Stack& noisy, int plane,
                    const RandomKey& key);

}  // namespace n2s
