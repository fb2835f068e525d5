// Reads noise specifications, and corrupts planes with the kernels of kernels/noise and kernels/kspace.
#include "engine/training/plane_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kernels/base/error.h"

namespace n2s {
namespace {

[[noreturn]] void bad_noise(const std::string& text) {
  throw Error(
      fmt::format("'{}' is no noise that can be simulated: use kspace:RATE (0 to 1), gaussian:SIGMA, "
                  "poisson:GAIN or poisson:GAIN,gaussian:SIGMA",
                  text));
}

/// The number behind "name:"; bad_noise(text) unless `part` is exactly that and the number is above 0.
double parameter(const std::string& text, const std::string& part, const std::string& name) {
  if (!part.starts_with(name + ":")) bad_noise(text);
  const char* first = part.data() + name.size() + 1;
  const char* last = part.data() + part.size();
  double value = 0;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc{} || end != last || !std::isfinite(value) || value <= 0) bad_noise(text);
  return value;
}

}  // namespace

NoiseSpec parse_noise(const std::string& text) {
  if (text.starts_with("kspace")) {
    const KspaceNoise noise{parameter(text, text, "kspace")};
    if (noise.rate > 1) bad_noise(text);
    return noise;
  }
  if (text.starts_with("gaussian")) return GaussianNoise{parameter(text, text, "gaussian")};
  const std::size_t comma = text.find(',');
  PoissonNoise noise{parameter(text, text.substr(0, comma), "poisson"), 0};
  if (comma != std::string::npos) noise.sigma = parameter(text, text.substr(comma + 1), "gaussian");
  return noise;
}

std::string describe(const NoiseSpec& noise) {
  if (const auto* kspace = std::get_if<KspaceNoise>(&noise)) return fmt::format("kspace:{}", kspace->rate);
  if (const auto* gaussian = std::get_if<GaussianNoise>(&noise)) return fmt::format("gaussian:{}", gaussian->sigma);
  const auto& camera = std::get<PoissonNoise>(noise);
  return camera.sigma > 0 ? fmt::format("poisson:{},gaussian:{}", camera.gain, camera.sigma)
                          : fmt::format("poisson:{}", camera.gain);
}

std::optional<PixelNoise> pixel_noise(const NoiseSpec& noise) {
  if (const auto* gaussian = std::get_if<GaussianNoise>(&noise)) return PixelNoise{0, gaussian->sigma};
  if (const auto* camera = std::get_if<PoissonNoise>(&noise)) return PixelNoise{camera->gain, camera->sigma};
  return std::nullopt;
}

PlaneNoise::PlaneNoise(const NoiseSpec& spec, int height, int width) : pixel_noise_(pixel_noise(spec)) {
  if (const auto* kspace = std::get_if<KspaceNoise>(&spec)) {
    fft_.emplace_back(height, width);
    sampling_.push_back(kspace_sampling(height, width, kspace->rate));
  }
}

void PlaneNoise::corrupt(std::span<const float> clean, const RandomKey& key, std::span<float> noisy) const {
  if (!pixel_noise_) {
    kspace_corrupt(fft_.front(), sampling_.front(), kspace_mask(sampling_.front(), key), clean, noisy);
    return;
  }
  for (std::size_t i = 0; i < clean.size(); ++i)
    noisy[i] = with_noise(*pixel_noise_, clean[i], key, static_cast<std::uint32_t>(i));
}

void PlaneNoise::restore_measured(std::span<const float> noisy, const RandomKey& key, std::span<float> restored) const {
  if (sampling_.empty()) return;
  kspace_data_consistency(fft_.front(), sampling_.front(), kspace_mask(sampling_.front(), key), noisy, restored);
}

RandomKey plane_key(std::uint64_t seed, Purpose copy, int stack, int plane) {
  constexpr std::uint32_t kFixed = 0xFFFFFFFFU;  // no epoch of a training: drawn once
  return {seed, copy, kFixed, static_cast<std::uint32_t>(plane) | (static_cast<std::uint32_t>(stack) << 16), 0};
}

Stack corrupt_stack(const NoiseSpec& spec, const Stack& clean, std::uint64_t seed, Purpose copy, int stack,
                    ThreadPool& pool) {
  const PlaneNoise noise(spec, clean.height, clean.width);
  Stack noisy = clean;
  pool.parallel_for(clean.planes, [&](std::ptrdiff_t plane, int) {
    noise.corrupt(plane_of(clean, plane), plane_key(seed, copy, stack, static_cast<int>(plane)),
                  plane_of(noisy, plane));
  });
  return noisy;
}

void restore_measured(const NoiseSpec& spec, const Stack& noisy, std::uint64_t seed, Purpose copy, int stack,
                      Stack& restored, ThreadPool& pool) {
  const PlaneNoise noise(spec, noisy.height, noisy.width);
  pool.parallel_for(noisy.planes, [&](std::ptrdiff_t plane, int) {
    noise.restore_measured(plane_of(noisy, plane), plane_key(seed, copy, stack, static_cast<int>(plane)),
                           plane_of(restored, plane));
  });
}

}  // namespace n2s
