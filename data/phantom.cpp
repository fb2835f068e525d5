// Builds the phantom: ellipsoids, and a texture that varies smoothly from plane to plane.
#include "data/phantom.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/base/philox.h"

namespace n2s {
namespace {

/// Adds `value` inside; coordinates run from -1 to 1 over the volume: x right, y down, z through the planes.
struct Ellipsoid {
  double value;
  std::array<double, 3> centre, radius;  // x, y, z
  double turn;                           // in the plane, radians
};

constexpr std::array<Ellipsoid, 12> kHead{{
    {0.90, {0.0, 0.0, 0.0}, {0.70, 0.90, 1.25}, 0.0},       // scalp
    {-0.75, {0.0, 0.0, 0.0}, {0.66, 0.86, 1.20}, 0.0},      // skull
    {0.45, {0.0, -0.01, 0.0}, {0.61, 0.81, 1.12}, 0.0},     // grey matter
    {0.20, {-0.24, 0.0, 0.0}, {0.26, 0.62, 0.90}, 0.06},    // white matter, left
    {0.20, {0.24, 0.0, 0.0}, {0.26, 0.62, 0.90}, -0.06},    // white matter, right
    {-0.45, {-0.12, 0.05, 0.0}, {0.07, 0.28, 0.45}, 0.25},  // ventricles
    {-0.45, {0.12, 0.05, 0.0}, {0.07, 0.28, 0.45}, -0.25},
    {0.12, {0.0, -0.42, 0.1}, {0.16, 0.12, 0.30}, 0.0},
    {-0.15, {0.0, 0.0, 0.0}, {0.02, 0.78, 1.0}, 0.0},  // the fissure between the halves
    {0.10, {-0.30, 0.35, 0.3}, {0.10, 0.10, 0.22}, 0.0},
    {0.12, {0.28, 0.38, -0.25}, {0.12, 0.09, 0.25}, 0.4},
    {-0.10, {0.30, -0.30, 0.0}, {0.07, 0.07, 0.30}, 0.0},
}};

/// 1 well inside, 0 well outside, about a pixel of transition: real edges are not staircases.
double coverage(const Ellipsoid& e, double x, double y, double z, double pixel) {
  const double dx = x - e.centre[0];
  const double dy = y - e.centre[1];
  const double u = (std::cos(e.turn) * dx + std::sin(e.turn) * dy) / e.radius[0];
  const double v = (-std::sin(e.turn) * dx + std::cos(e.turn) * dy) / e.radius[1];
  const double w = (z - e.centre[2]) / e.radius[2];
  const double distance = (1 - std::sqrt(u * u + v * v + w * w)) * std::min(e.radius[0], e.radius[1]);
  return std::clamp(0.5 + distance / pixel, 0.0, 1.0);
}

using Head = std::array<Ellipsoid, kHead.size()>;

/// How one head differs from another.
struct Subject {
  Head parts = kHead;
  std::array<double, 3> fold{};  // where the pattern of the folds begins
};

Subject subject_of(std::uint32_t number) {
  Subject subject;
  if (number == 0) return subject;
  std::uint32_t drawn = 0;
  const RandomKey key{0, Purpose::phantom, 0, number, 0};
  const auto around_zero = [&](double reach) { return reach * (2.0 * random_uniform(key, drawn++) - 1); };
  constexpr double kSize = 0.07;  // of the whole head; nested parts scale together
  const std::array<double, 3> scale{1 + around_zero(kSize), 1 + around_zero(kSize), 1 + around_zero(kSize)};
  for (std::size_t i = 0; i < subject.parts.size(); ++i) {
    Ellipsoid& part = subject.parts[i];
    const bool is_inner = i > 2;  // the skull stays around the brain
    for (std::size_t axis = 0; axis < 3; ++axis) {
      part.radius[axis] *= scale[axis] * (is_inner ? 1 + around_zero(0.15) : 1);
      part.centre[axis] = part.centre[axis] * scale[axis] + (is_inner ? around_zero(0.02) : 0);
    }
    if (is_inner) part.value *= 1 + around_zero(0.1);
  }
  for (double& begin : subject.fold) begin = around_zero(2);
  return subject;
}

/// Folds of the cortex: smooth, and changing slowly from plane to plane.
double texture(const std::array<double, 3>& begin, double x, double y, double z) {
  x += begin[0];
  y += begin[1];
  z += begin[2];
  return 0.06 * std::sin(23 * x + 4 * std::sin(5 * y + 8 * z)) * std::sin(19 * y + 5 * std::sin(4 * x - 11 * z)) +
         0.03 * std::sin(47 * x - 31 * y + 24 * z);
}

}  // namespace

Stack head_phantom(int planes, int height, int width, std::uint32_t number) {
  if (planes < 1 || height < 1 || width < 1) throw Error("the phantom needs at least 1 plane of 1 pixel");
  const Subject subject = subject_of(number);
  Stack stack{planes, height, width, {}};
  stack.voxels.reserve(static_cast<std::size_t>(planes) * static_cast<std::size_t>(height) *
                       static_cast<std::size_t>(width));
  const auto coordinate = [](int index, int count) { return (2.0 * index + 1) / count - 1; };
  const double pixel = 2.0 / std::min(height, width);
  for (int p = 0; p < planes; ++p)
    for (int r = 0; r < height; ++r)
      for (int c = 0; c < width; ++c) {
        const double x = coordinate(c, width);
        const double y = coordinate(r, height);
        const double z = coordinate(p, planes);
        double value = 0;
        for (const Ellipsoid& e : subject.parts) value += e.value * coverage(e, x, y, z, pixel);
        value += coverage(subject.parts[2], x, y, z, pixel) * texture(subject.fold, x, y, z);
        stack.voxels.push_back(static_cast<float>(std::clamp(value, 0.0, 1.0)));
      }
  return stack;
}

}  // namespace n2s
