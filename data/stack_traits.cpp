// Noise by the difference operator of Immerkaer, "Fast noise variance estimation" (1996), with the median of its
// absolute values in place of their mean: edges then count little.
#include "data/stack_traits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

namespace n2s {
namespace {

constexpr double kUnlikeRatio = 2;         // of noise or contrast, either way
constexpr double kUnlikeDifference = 0.2;  // of correlations
constexpr double kLeastNoise = 0.01;       // of the normalised range: less is no noise to speak of

/// The kernel 1 -2 1 / -2 4 -2 / 1 -2 1 removes what is linear in rows or columns; on noise its output has 6 sigma.
double noise_of(const Stack& stack) {
  std::vector<float> responses;
  const auto width = static_cast<std::size_t>(stack.width);
  for (int plane = 0; plane < stack.planes; plane += 2) {
    const std::span<const float> p = plane_of(stack, plane);
    for (std::size_t row = 1; row + 1 < static_cast<std::size_t>(stack.height); ++row)
      for (std::size_t column = 1; column + 1 < width; ++column) {
        const auto line = [&](std::size_t r) {
          const float* at = p.data() + r * width + column;
          return at[-1] - 2 * at[0] + at[1];
        };
        const float response = std::abs(line(row - 1) - 2 * line(row) + line(row + 1));
        if (response > 0) responses.push_back(response);  // 0: a constant background
      }
  }
  if (responses.empty()) return 0;
  const auto middle = responses.begin() + static_cast<std::ptrdiff_t>(responses.size() / 2);
  std::nth_element(responses.begin(), middle, responses.end());
  return *middle / 6 / 0.6745;
}

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(std::span<const float> values) {
  Moments m;
  for (const float value : values) m.mean += value;
  m.mean /= static_cast<double>(values.size());
  for (const float value : values) m.variance += (value - m.mean) * (value - m.mean);
  m.variance /= static_cast<double>(values.size());
  return m;
}

double correlation(std::span<const float> a, std::span<const float> b) {
  const Moments of_a = moments(a);
  const Moments of_b = moments(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - of_a.mean) * (b[i] - of_b.mean);
  const double norm = std::sqrt(of_a.variance * of_b.variance);
  return norm > 0 ? sum / static_cast<double>(a.size()) / norm : 0;
}

double similarity_of(const Stack& pairs) {
  if (pairs.planes < 2) return 0;
  double sum = 0;
  int count = 0;
  for (int plane = 0; plane + 1 < pairs.planes; plane += 2, ++count)
    sum += correlation(plane_of(pairs, plane), plane_of(pairs, plane + 1));
  return sum / count;
}

}  // namespace

std::vector<int> sampled_planes(int planes, int most) {
  if (planes < 2) return {0};
  std::vector<int> sampled;
  const int pairs = std::min(most, planes / 2);
  for (int i = 0; i < pairs; ++i) {
    const int first = static_cast<int>(static_cast<long>(planes - 2) * i / std::max(1, pairs - 1));
    sampled.insert(sampled.end(), {first, first + 1});
  }
  return sampled;
}

int pairs_to_sample(std::size_t plane_pixels) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  constexpr std::size_t kMost = 16;
  return static_cast<int>(std::clamp<std::size_t>(kBytes / (2 * plane_pixels * sizeof(float)), 2, kMost));
}

Stack sample_pairs(const Stack& stack) {
  if (stack.planes < 2) return stack;
  Stack sample{0, stack.height, stack.width, {}};
  for (const int plane : sampled_planes(stack.planes, pairs_to_sample(plane_pixels(stack)))) {
    const std::span<const float> pixels = plane_of(stack, plane);
    sample.voxels.insert(sample.voxels.end(), pixels.begin(), pixels.end());
    ++sample.planes;
  }
  return sample;
}

StackTraits stack_traits(const Stack& normalised) {
  const Stack sample = sample_pairs(normalised);
  return {noise_of(sample), std::sqrt(moments(sample.voxels).variance), similarity_of(sample)};
}

std::vector<std::string> unlike(const StackTraits& trained, const StackTraits& now) {
  std::vector<std::string> lines;
  const auto compare = [&](const char* what, double then, double here) {
    if (here > kUnlikeRatio * then || kUnlikeRatio * here < then)
      lines.push_back(fmt::format("the {} is {:.2g} times that of the data that the model was trained on", what,
                                  then > 0 ? here / then : 0));
  };
  compare("noise", std::max(trained.noise, kLeastNoise), std::max(now.noise, kLeastNoise));
  compare("contrast", trained.contrast, now.contrast);
  const bool has_pairs = trained.similarity != 0 && now.similarity != 0;  // single planes have no neighbours
  if (has_pairs && std::abs(trained.similarity - now.similarity) > kUnlikeDifference)
    lines.push_back(fmt::format("neighbouring planes correlate by {:.2f}, those of the training data by {:.2f}",
                                now.similarity, trained.similarity));
  return lines;
}

void to_json(nlohmann::json& json, const StackTraits& t) {
  json = {{"noise", t.noise}, {"contrast", t.contrast}, {"similarity", t.similarity}};
}

void from_json(const nlohmann::json& json, StackTraits& t) {
  t = {json.at("noise").get<double>(), json.at("contrast").get<double>(), json.at("similarity").get<double>()};
}

}  // namespace n2s
