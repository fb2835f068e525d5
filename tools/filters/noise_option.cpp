// See noise_option.h.
#include "tools/filters/noise_option.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <variant>

#include "analysis/white_noise.h"
#include "engine/training/plane_noise.h"
#include "kernels/base/error.h"
#include "tools/doubtful_noise.h"

namespace n2s {
namespace {

bool is_estimated_camera(const NoiseOption& option) {
  return option.noise == "poisson-gaussian";
}

double given_sigma(const std::string& text) {
  double sigma = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sigma);
  if (error != std::errc() || end != text.data() + text.size() || !(sigma > 0 && std::isfinite(sigma)))
    throw Error(fmt::format("--sigma {}: give a standard deviation above 0, in the file's units, or auto", text));
  return sigma;
}

/// Where the noise clearly grows with the signal. Structure and chance make Gaussian noise seem to grow by a fifth;
/// Poisson noise of photographs grows threefold and more.
std::optional<StackNoise> found_camera(const PlanesToRead& planes) {
  constexpr double kClearly = 2;
  try {
    const CameraNoise camera = camera_noise(planes);
    if (camera.growth < kClearly) return std::nullopt;
    return StackNoise{.is_poisson = true, .camera = camera.line, .is_estimated = true, .growth = camera.growth};
  } catch (const Error&) {  // nothing to fit to
    return std::nullopt;
  }
}

StackNoise fitted_camera(const PlanesToRead& planes) {
  try {
    const PoissonGaussian camera = camera_noise(planes).line;
    if (camera.gain > 0) return {.is_poisson = true, .camera = camera, .is_estimated = true};
    return {.sigma = std::sqrt(camera.offset), .is_estimated = true};
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}; give it as --noise poisson:GAIN,gaussian:SIGMA", planes.name, error.what()));
  }
}

}  // namespace

void add_sigma_option(Verb& verb, NoiseOption& option) {
  verb.option("--sigma", option.sigma,
              "Standard deviation of the noise in the file's units; auto: estimated from each stack")
      .show_default();
}

void add_noise_option(Verb& verb, NoiseOption& option) {
  verb.option("--noise", option.noise,
              "gaussian; poisson-gaussian (a camera's: gain and read noise are fitted to each stack); known: "
              "poisson:GAIN[,gaussian:SIGMA]; auto: a camera's where the noise clearly grows with the signal")
      .show_default();
}

void check_noise(const NoiseOption& option) {
  if (option.sigma != "auto") given_sigma(option.sigma);
  if (option.noise == "gaussian" || option.noise == "auto") return;
  if (option.sigma != "auto") throw Error("--sigma is for --noise gaussian; a camera's noise is told by its gain");
  if (is_estimated_camera(option)) return;
  if (!std::holds_alternative<PoissonNoise>(parse_noise(option.noise)))
    throw Error(fmt::format(
        "--noise {}: auto, gaussian (with --sigma), poisson-gaussian or poisson:GAIN[,gaussian:SIGMA]", option.noise));
}

StackNoise noise_of(const NoiseOption& option, const PlanesToRead& planes) {
  if (is_estimated_camera(option)) return fitted_camera(planes);
  if (option.noise != "gaussian" && option.noise != "auto") {
    const auto spec = std::get<PoissonNoise>(parse_noise(option.noise));
    warn_of_doubtful_level(planes.name, spec, planes.read(planes.shape.planes / 2, 1).voxels);
    return {.is_poisson = true, .camera = {spec.gain, spec.sigma * spec.sigma}};
  }
  if (option.sigma != "auto") {
    const double sigma = given_sigma(option.sigma);
    warn_of_doubtful_level(planes.name, GaussianNoise{sigma}, planes.read(planes.shape.planes / 2, 1).voxels);
    return {.sigma = sigma};
  }
  if (option.noise == "auto")
    if (const std::optional<StackNoise> camera = found_camera(planes)) return *camera;
  StackNoise noise{.sigma = white_noise_deviation(planes), .is_estimated = true};
  if (noise.sigma == 0) throw Error(fmt::format("{}: no noise is found in it; give its level as --sigma", planes.name));
  return noise;
}

std::string describe(const StackNoise& noise) {
  std::string how = noise.is_estimated ? " (estimated)" : "";
  if (noise.growth > 1)
    how = fmt::format(" (estimated; its variance grows with the signal, {:.2g}-fold)", noise.growth);
  if (!noise.is_poisson) return fmt::format("Gaussian noise, sigma {:.4g}{}", noise.sigma, how);
  const double black = noise.camera.offset < 0 ? -noise.camera.offset / noise.camera.gain : 0;
  if (black > 0)
    return fmt::format("Poisson noise, gain {:.4g} above a black level of {:.4g}{}", noise.camera.gain, black, how);
  return fmt::format("Poisson-Gaussian noise, gain {:.4g}, read noise {:.4g}{}", noise.camera.gain,
                     std::sqrt(noise.camera.offset), how);
}

nlohmann::json noise_json(const StackNoise& noise) {
  nlohmann::json json{{"kind", noise.is_poisson ? "poisson-gaussian" : "gaussian"}, {"estimated", noise.is_estimated}};
  if (!noise.is_poisson) {
    json["sigma"] = noise.sigma;
    return json;
  }
  json["gain"] = noise.camera.gain;
  json["read_noise"] = std::sqrt(std::max(0.0, noise.camera.offset));
  if (noise.camera.offset < 0) json["black_level"] = -noise.camera.offset / noise.camera.gain;
  return json;
}

}  // namespace n2s
