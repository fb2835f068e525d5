// Draws ellipsoids with texture, then spreads their light from plane to plane.
#include "data/nuclei_phantom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"

namespace n2s {
namespace {

constexpr double kTwoPi = 6.283185307179586;

struct Nucleus {
  double x = 0, y = 0, z = 0;         // centre: pixels, pixels, planes
  double along = 0, across = 0;       // radii in the plane, pixels
  double depth = 0;                   // radius, planes
  double turn = 0;                    // in the plane, radians
  double brightness = 0;              // of its middle
  std::array<double, 3> wave{};       // phases of the chromatin's texture
  std::array<double, 2> nucleolus{};  // a dark spot: its place, in radii
};

double smooth_step(double distance) {
  return std::clamp(0.5 + distance, 0.0, 1.0);
}

/// Its light at a place; 0 outside.
double light(const Nucleus& n, double x, double y, double z) {
  const double dx = x - n.x;
  const double dy = y - n.y;
  const double u = (std::cos(n.turn) * dx + std::sin(n.turn) * dy) / n.along;
  const double v = (std::cos(n.turn) * dy - std::sin(n.turn) * dx) / n.across;
  const double w = (z - n.z) / n.depth;
  const double edge = (1 - std::sqrt(u * u + v * v + w * w)) * n.across;  // pixels
  if (edge < -0.5) return 0;
  const double chromatin = 0.18 * std::sin(7 * u + n.wave[0] + 2 * w) * std::sin(6 * v + n.wave[1]) +
                           0.10 * std::sin(13 * u - 9 * v + n.wave[2] + 3 * w);
  const double to_spot = std::hypot(u - n.nucleolus[0], v - n.nucleolus[1]);
  const double spot = 0.4 * smooth_step((0.25 - to_spot) * n.across);
  return n.brightness * smooth_step(edge) * (1 + chromatin - spot);
}

/// Nuclei that do not overlap as seen from above, as far as there is room.
std::vector<Nucleus> draw_nuclei(const NucleiField& field) {
  constexpr double kRadius = 15;         // pixels
  constexpr double kAreaPerCell = 2800;  // pixels
  constexpr int kTries = 20;
  const RandomKey key{field.seed, Purpose::phantom, 1, field.field, 0};
  std::uint32_t drawn = 0;
  const auto between = [&](double low, double high) { return low + (high - low) * random_uniform(key, drawn++); };
  const auto count = static_cast<int>(std::ceil(double{1} * field.height * field.width / kAreaPerCell));
  std::vector<Nucleus> nuclei;
  for (int i = 0; i < count * kTries && static_cast<int>(nuclei.size()) < count; ++i) {
    Nucleus n;
    n.x = between(0, field.width);
    n.y = between(0, field.height);
    n.z = between(0.1, 0.9) * (field.planes - 1);
    n.along = kRadius * between(0.85, 1.35);
    n.across = kRadius * between(0.7, 1);
    n.depth = between(0.22, 0.4) * std::max(4, field.planes);
    n.turn = between(0, kTwoPi);
    n.brightness = between(0.45, 1);
    for (double& phase : n.wave) phase = between(0, kTwoPi);
    for (double& place : n.nucleolus) place = between(-0.45, 0.45);
    const auto overlaps = [&](const Nucleus& other) {
      return std::hypot(n.x - other.x, n.y - other.y) < 0.95 * (n.along + other.along);
    };
    if (std::none_of(nuclei.begin(), nuclei.end(), overlaps)) nuclei.push_back(n);
  }
  return nuclei;
}

void add(const Nucleus& n, Stack& stack) {
  const auto reach = static_cast<int>(std::ceil(std::max(n.along, n.across))) + 1;
  const int top = std::max(0, static_cast<int>(n.y) - reach);
  const int bottom = std::min(stack.height - 1, static_cast<int>(n.y) + reach);
  const int left = std::max(0, static_cast<int>(n.x) - reach);
  const int right = std::min(stack.width - 1, static_cast<int>(n.x) + reach);
  for (int p = 0; p < stack.planes; ++p)
    for (int y = top; y <= bottom; ++y)
      for (int x = left; x <= right; ++x)
        plane_of(
            stack,
            p)[static_cast<std::size_t>(y) * static_cast<std::size_t>(stack.width) + static_cast<std::size_t>(x)] +=
            static_cast<float>(light(n, x, y, p));
}

/// A Gaussian blur, continued by the edge's pixels.
class Blur {
 public:
  Blur(double sigma, ThreadPool& pool) : pool_(&pool) {
    const auto reach = static_cast<int>(std::ceil(3 * sigma));
    double sum = 0;
    for (int i = -reach; i <= reach; ++i) sum += std::exp(-i * i / (2 * sigma * sigma));
    for (int i = -reach; i <= reach; ++i)
      weights_.push_back(static_cast<float>(std::exp(-i * i / (2 * sigma * sigma)) / sum));
  }

  std::vector<float> operator()(std::span<const float> plane, int height, int width) const {
    return transposed_rows(transposed_rows(plane, height, width), width, height);
  }

 private:
  std::vector<float> transposed_rows(std::span<const float> in, int height, int width) const {
    std::vector<float> out(in.size());
    const auto reach = static_cast<int>(weights_.size() / 2);
    pool_->parallel_for(height, [&](std::ptrdiff_t y, int) {
      const std::span<const float> row =
          in.subspan(static_cast<std::size_t>(y) * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
      for (int x = 0; x < width; ++x) {
        float sum = 0;
        int from = x - reach;
        for (const float weight : weights_)
          sum += weight * row[static_cast<std::size_t>(std::clamp(from++, 0, width - 1))];
        out[static_cast<std::size_t>(x) * static_cast<std::size_t>(height) + static_cast<std::size_t>(y)] = sum;
      }
    });
    return out;
  }

  ThreadPool* pool_;
  std::vector<float> weights_;
};

/// Light that leaves its plane is blurred once more, and less of it is left, in each plane that it passes.
void spread_through_planes(Stack& stack, ThreadPool& pool) {
  constexpr float kPassed = 0.55F;
  const Blur blur(2.5, pool);
  const Stack in_focus = stack;
  for (const int step : {1, -1}) {
    std::vector<float> passing(plane_pixels(stack), 0);
    const int first = step > 0 ? 0 : stack.planes - 1;
    for (int p = first; p >= 0 && p < stack.planes; p += step) {
      const std::span<const float> own = plane_of(in_focus, p);
      const std::span<float> seen = plane_of(stack, p);
      for (std::size_t i = 0; i < own.size(); ++i) {
        seen[i] += passing[i];
        passing[i] = kPassed * (passing[i] + own[i]);
      }
      passing = blur(passing, stack.height, stack.width);
    }
  }
}

/// What the sample between a plane and the objective does to its light; the scattered part becomes background.
void sink_into_depth(Stack& stack, ThreadPool& pool) {
  for (int p = 0; p < stack.planes; ++p) {
    const double depth = 9.0 * p / std::max(1, stack.planes - 1);  // as in a stack of ten planes
    const std::vector<float> blurred = Blur(0.7 + 0.13 * depth, pool)(plane_of(stack, p), stack.height, stack.width);
    const std::span<float> seen = plane_of(stack, p);
    const double left = std::exp(-0.035 * depth);
    const double background = 0.03 + 0.012 * depth;
    for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = static_cast<float>(left * blurred[i] + background);
  }
}

Stack refracted(const Stack& light, ThreadPool& pool) {
  Stack image = light;
  const Blur blur(1.5, pool);
  const std::size_t width = static_cast<std::size_t>(light.width);
  for (int p = 0; p < light.planes; ++p) {
    const std::vector<float> smooth = blur(plane_of(light, p), light.height, light.width);
    const std::span<float> seen = plane_of(image, p);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const std::size_t row = i / width * width;
      const std::size_t before = i == row ? i : i - 1;
      const std::size_t after = i == row + width - 1 ? i : i + 1;
      seen[i] = 0.6F + 1.2F * (smooth[after] - smooth[before]) - 0.05F * smooth[i];
    }
  }
  return image;
}

}  // namespace

NucleiPlanes nuclei_phantom(const NucleiField& field, ThreadPool& pool) {
  if (field.planes < 1 || field.height < 1 || field.width < 1)
    throw Error("the phantom needs at least 1 plane of 1 pixel");
  Stack stack{field.planes, field.height, field.width, {}};
  stack.voxels.resize(static_cast<std::size_t>(field.planes) * plane_pixels(stack));
  for (const Nucleus& nucleus : draw_nuclei(field)) add(nucleus, stack);
  spread_through_planes(stack, pool);
  NucleiPlanes planes;
  planes.brightfield = refracted(stack, pool);
  sink_into_depth(stack, pool);
  planes.fluorescence = std::move(stack);
  return planes;
}

}  // namespace n2s
