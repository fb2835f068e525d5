// See padded_planes.h.
#include "kernels/nlm/padded_planes.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/base/reflect.h"
#include "kernels/block_matching/block_matching.h"

namespace n2s {
namespace {

double middle_of(std::span<const float> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return double{*low} / 2 + double{*high} / 2;
}

}  // namespace

void check_nlm(const NlmProblem& p, std::size_t noisy, std::size_t restored) {
  const std::size_t voxels =
      static_cast<std::size_t>(p.planes) * static_cast<std::size_t>(p.height) * static_cast<std::size_t>(p.width);
  if (voxels == 0 || noisy != voxels || restored != voxels)
    throw Error("non-local means: the planes' size and the number of voxels differ");
  if (p.patch < 3 || p.patch % 2 == 0)
    throw Error("non-local means: a patch needs an odd number of pixels from 3 on, such as 7");
  if (p.distance < 0) throw Error("non-local means: the search distance is negative");
  if (!(p.h > 0 && std::isfinite(p.h)) || !(p.sigma >= 0 && std::isfinite(p.sigma)))
    throw Error("non-local means: h must be above 0, sigma at least 0");
}

NlmWeights nlm_weights(const NlmProblem& p) {
  const int axes = p.across ? 3 : 2;
  const double sigma = p.sigma / p.h;
  return {static_cast<float>(1 / std::pow(p.patch, axes)),
          static_cast<float>(2 * sigma * sigma * std::pow(nlm_window(p), axes))};
}

PaddedPlanes::PaddedPlanes(const NlmProblem& p, std::span<const float> planes)
    : margin_(p.distance + p.patch / 2),
      margin_planes_(nlm_reach(p)),
      h_(p.h),
      middle_(middle_of(planes)),
      row_(std::ptrdiff_t{p.width} + 2 * std::ptrdiff_t{margin_} + kPlaneSlack),
      rows_(std::ptrdiff_t{p.height} + 2 * std::ptrdiff_t{margin_}) {
  values_.resize(static_cast<std::size_t>((p.planes + 2 * margin_planes_) * plane_floats() + kPlaneSlack));
  float* to = values_.data();
  for (int z = -margin_planes_; z < p.planes + margin_planes_; ++z)
    for (int y = -margin_; y < p.height + margin_; ++y, to += row_) {
      const float* from =
          planes.data() + (std::ptrdiff_t{reflect(z, p.planes)} * p.height + reflect(y, p.height)) * p.width;
      for (int x = -margin_; x < p.width + margin_; ++x)
        to[x + margin_] = static_cast<float>((double{from[reflect(x, p.width)]} - middle_) / h_);
    }
}

void PaddedPlanes::to_own_units(std::span<float> restored) const {
  for (float& value : restored) value = static_cast<float>(double{value} * h_ + middle_);
}

}  // namespace n2s
