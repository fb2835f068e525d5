// BM3D by definition: every step on its own, in double precision.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "kernels/bm3d/bm3d.h"
#include "kernels/bm3d/stage.h"

namespace n2s {
namespace {

using Block = std::vector<double>;  // kBlockSize values
using Group = std::vector<Block>;

struct Plane {
  int height, width;
  std::vector<double> values;
  double& at(int y, int x) {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  double at(int y, int x) const {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};

struct Place {
  int y, x;
};

std::vector<Place> similar_blocks(const Plane& guide, const Bm3dStageSetup& setup, Place reference) {
  struct Candidate {
    double distance;
    Place place;
  };
  std::vector<Candidate> candidates;
  for (const Shift& shift : setup.order) {
    const Place place{reference.y + shift.y, reference.x + shift.x};
    if (place.y < 0 || place.x < 0 || place.y + kBlock > guide.height || place.x + kBlock > guide.width) continue;
    double distance = 0;
    for (int y = 0; y < kBlock; ++y)
      for (int x = 0; x < kBlock; ++x)
        distance += std::pow(guide.at(reference.y + y, reference.x + x) - guide.at(place.y + y, place.x + x), 2);
    if (distance < double{setup.search.farthest}) candidates.push_back({distance, place});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  std::size_t count = 1;
  while (2 * count <= std::min(candidates.size(), static_cast<std::size_t>(setup.search.most))) count *= 2;
  std::vector<Place> places;
  for (std::size_t i = 0; i < count; ++i) places.push_back(candidates[i].place);
  return places;
}

/// M B M^T.
Block transformed(const std::vector<float>& matrix, const Block& block) {
  Block result(kBlockSize);
  for (std::size_t i = 0; i < kBlock; ++i)
    for (std::size_t j = 0; j < kBlock; ++j)
      for (std::size_t k = 0; k < kBlock; ++k)
        for (std::size_t l = 0; l < kBlock; ++l)
          result[i * kBlock + j] +=
              double{matrix[i * kBlock + k]} * block[k * kBlock + l] * double{matrix[j * kBlock + l]};
  return result;
}

void haar(Group& group, std::size_t distance) {
  for (std::size_t i = 0; i < group.size(); i += 2 * distance)
    for (std::size_t x = 0; x < kBlockSize; ++x) {
      const double a = group[i][x];
      const double b = group[i + distance][x];
      group[i][x] = (a + b) / std::numbers::sqrt2;
      group[i + distance][x] = (a - b) / std::numbers::sqrt2;
    }
}

Group coefficients(const Plane& plane, const Bm3dStageSetup& setup, const std::vector<Place>& places) {
  Group group;
  for (const Place& place : places) {
    Block block;
    for (int y = 0; y < kBlock; ++y)
      for (int x = 0; x < kBlock; ++x) block.push_back(plane.at(place.y + y, place.x + x));
    group.push_back(transformed(setup.transform.forward, block));
  }
  for (std::size_t distance = 1; distance < group.size(); distance *= 2) haar(group, distance);
  return group;
}

Plane stage(const Bm3dStageSetup& setup, const Plane& noisy, const Plane& guide) {
  Plane values{noisy.height, noisy.width, std::vector<double>(noisy.values.size())};
  Plane weights = values;
  const BlockSearch& s = setup.search;
  for (int row = 0; row < reference_count(noisy.height, kBlock, s.step); ++row)
    for (int column = 0; column < reference_count(noisy.width, kBlock, s.step); ++column) {
      const std::vector<Place> places = similar_blocks(
          guide, setup,
          {reference_at(row, noisy.height, kBlock, s.step), reference_at(column, noisy.width, kBlock, s.step)});
      Group group = coefficients(noisy, setup, places);
      const Group guides = setup.is_wiener ? coefficients(guide, setup, places) : Group{};
      double sum = 0;
      for (std::size_t i = 0; i < group.size(); ++i)
        for (std::size_t x = 0; x < kBlockSize; ++x) {
          double factor = std::abs(group[i][x]) >= double{setup.limit} ? 1 : 0;
          if (setup.is_wiener)
            factor = guides[i][x] * guides[i][x] / (guides[i][x] * guides[i][x] + double{setup.limit});
          sum += factor * factor;
          if (i == 0 && x == 0) {
            if (!setup.is_wiener && factor == 0) sum += 1;
            continue;
          }
          group[i][x] *= factor;
        }
      const double weight = 1 / std::max(sum, 1.0);
      for (std::size_t distance = group.size() / 2; distance > 0; distance /= 2) haar(group, distance);
      for (std::size_t i = 0; i < group.size(); ++i) {
        const Block block = transformed(setup.transform.inverse, group[i]);
        for (int y = 0; y < kBlock; ++y)
          for (int x = 0; x < kBlock; ++x) {
            const auto at = static_cast<std::size_t>(std::ptrdiff_t{y} * kBlock + x);
            values.at(places[i].y + y, places[i].x + x) += weight * double{setup.window[at]} * block[at];
            weights.at(places[i].y + y, places[i].x + x) += weight * double{setup.window[at]};
          }
      }
    }
  for (std::size_t i = 0; i < values.values.size(); ++i) values.values[i] /= weights.values[i];
  return values;
}

}  // namespace

void bm3d_reference(const Bm3dProblem& problem, std::span<const float> noisy, std::span<double> first,
                    std::span<double> restored) {
  const Bm3dScaling scaling = bm3d_scaling(problem, noisy);
  Plane plane{problem.height, problem.width, {}};
  for (const float value : noisy) plane.values.push_back(scaling.forward(value));
  const auto write = [&](const Plane& estimate, std::span<double> out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = estimate.values[i] * scaling.half + scaling.middle;
  };
  const Plane estimate = stage(threshold_setup(problem, scaling.scale), plane, plane);
  write(estimate, first);
  write(stage(wiener_setup(problem, scaling.scale), plane, estimate), restored);
}

}  // namespace n2s
