// See doubtful_noise.h.
#include "tools/doubtful_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>
#include <vector>

#include "kernels/base/error.h"
#include "tools/common.h"

namespace n2s {
namespace {

/// Of a plane at the frequencies that the key's mask leaves out.
double unmeasured_energy(const PlaneNoise& undersampling, std::span<const float> noisy, const RandomKey& key) {
  // The measured frequencies are the same in both; the others are in one of them.
  std::vector<float> measured(noisy.size(), 0);
  std::vector<float> whole(noisy.begin(), noisy.end());
  undersampling.restore_measured(noisy, key, measured);
  undersampling.restore_measured(noisy, key, whole);
  double energy = 0;
  for (std::size_t i = 0; i < noisy.size(); ++i)
    energy += (double{whole[i]} - measured[i]) * (double{whole[i]} - measured[i]);
  return energy;
}

}  // namespace

bool warn_of_doubtful_level(const std::string& name, const NoiseSpec& noise, std::span<const float> plane) {
  constexpr double kFewEvents = 2;
  const auto [low, high] = finite_range(plane);
  if (!(low < high)) return false;
  if (const auto* gaussian = std::get_if<GaussianNoise>(&noise); gaussian && gaussian->sigma > double{high} - low) {
    warn("{}: Gaussian noise of sigma {:g}, but values from {:g} to {:g} only; sigma is in the file's units", name,
         gaussian->sigma, low, high);
    return true;
  }
  const auto* poisson = std::get_if<PoissonNoise>(&noise);
  if (poisson == nullptr || high <= 0 || high >= kFewEvents * poisson->gain) return false;
  warn(
      "{}: Poisson noise of gain {:g}, but values up to {:g} only: {:.2g} events at most in a pixel; the gain is in "
      "the file's units per event",
      name, poisson->gain, high, high / poisson->gain);
  return true;
}

bool warn_of_negative_light(const std::string& name, const NoiseSpec& noise, std::span<const float> clean) {
  constexpr double kShare = 0.01;
  if (!std::holds_alternative<PoissonNoise>(noise)) return false;
  const auto below =
      static_cast<double>(std::count_if(clean.begin(), clean.end(), [](float value) { return value < 0; }));
  const double share = below / static_cast<double>(clean.size());
  if (share <= kShare) return false;
  warn("{}: {:.0f} % of the values are below 0, and light that is counted has none: they become 0; add an offset first",
       name, 100 * share);
  return true;
}

void check_measured(const std::string& name, const NoiseSpec& noise, const Stack& noisy, int plane,
                    const RandomKey& key) {
  constexpr int kOthers = 4;
  constexpr double kClearly = 0.5;  // samples that were rounded or clipped have something at all frequencies
  const PlaneNoise undersampling(noise, noisy.height, noisy.width);
  double by_chance = 0;
  for (RandomKey other = key; other.seed < key.seed + kOthers;) {
    ++other.seed;
    by_chance += unmeasured_energy(undersampling, plane_of(noisy, plane), other) / kOthers;
  }
  if (by_chance == 0 || unmeasured_energy(undersampling, plane_of(noisy, plane), key) < kClearly * by_chance) return;
  throw Error(fmt::format(
      "--measured {}: these frequencies of {} are no more measured than others; give the rate and the --seed "
      "that n2s corrupt was given, and the file with all of its planes",
      describe(noise), name));
}

}  // namespace n2s
