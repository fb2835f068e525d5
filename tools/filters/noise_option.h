// The noise that a filter is told of, or estimates: --sigma and --noise.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "analysis/anscombe.h"
#include "data/planes_to_read.h"
#include "tools/command_line.h"

namespace n2s {

struct NoiseOption {
  std::string sigma = "auto", noise = "auto";
};
void add_sigma_option(Verb& verb, NoiseOption& option);
void add_noise_option(Verb& verb, NoiseOption& option);

/// Of one stack, in its units.
struct StackNoise {
  bool is_poisson = false;
  double sigma = 0;          // Gaussian noise
  PoissonGaussian camera{};  // else
  bool is_estimated = false;
  double growth = 1;  // of the variance from dark to bright, where --noise auto has found a camera's noise
};

/// Throws Error for values that make no sense.
void check_noise(const NoiseOption& option);

/// What the option says, or an estimate from the stack. Throws Error where nothing can be estimated.
StackNoise noise_of(const NoiseOption& option, const PlanesToRead& planes);

/// "sigma 12.3 (estimated)", "gain 2.1, read noise 8.4 (estimated)".
std::string describe(const StackNoise& noise);

/// {"kind", "sigma" or "gain" and "read_noise", "estimated"}
nlohmann::json noise_json(const StackNoise& noise);

}  // namespace n2s
