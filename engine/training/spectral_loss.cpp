// Overwriting what was measured is a projection, P y + measured; of an error of the network it leaves P (y - target),
// as the rest does not depend on the network. P is its own transpose, so that it makes the gradient from that of the
// plain mean squared error, too.
#include "engine/training/spectral_loss.h"

#include <algorithm>
#include <cstddef>
#include <variant>
#include <vector>

#include "kernels/base/error.h"

namespace n2s {

SpectralLoss::SpectralLoss(const NoiseSpec& noise, int height, int width, ThreadPool& pool)
    : height_(height), width_(width), noise_(noise, height, width), pool_(&pool) {
  if (!std::holds_alternative<KspaceNoise>(noise))
    throw Error("the loss after k-space data consistency needs undersampled frequencies: --noise kspace:RATE");
}

void SpectralLoss::keep_unmeasured(std::span<const RandomKey> keys, const Extents& extents,
                                   std::span<float> errors) const {
  const auto row = static_cast<std::size_t>(extents.width);
  const std::size_t image = static_cast<std::size_t>(extents.height) * row;
  if (extents.height < height_ || extents.width < width_ || errors.size() != keys.size() * image)
    throw Error("the loss after k-space data consistency: the sizes do not fit together");
  const auto columns = static_cast<std::size_t>(width_);
  pool_->parallel_for(static_cast<std::ptrdiff_t>(keys.size()), [&](std::ptrdiff_t i, int) {
    const std::span<float> own = errors.subspan(static_cast<std::size_t>(i) * image, image);
    std::vector<float> plane(static_cast<std::size_t>(height_) * columns);
    for (std::size_t y = 0; y < static_cast<std::size_t>(height_); ++y)
      std::copy_n(own.begin() + static_cast<std::ptrdiff_t>(y * row), columns,
                  plane.begin() + static_cast<std::ptrdiff_t>(y * columns));
    const std::vector<float> nothing(plane.size());  // is what its measured frequencies become
    noise_.restore_measured(nothing, keys[static_cast<std::size_t>(i)], plane);
    std::fill(own.begin(), own.end(), 0.0F);
    for (std::size_t y = 0; y < static_cast<std::size_t>(height_); ++y)
      std::copy_n(plane.begin() + static_cast<std::ptrdiff_t>(y * columns), columns,
                  own.begin() + static_cast<std::ptrdiff_t>(y * row));
  });
}

double SpectralLoss::images_by_planes(const Extents& extents) const {
  return double{1} * extents.height * extents.width / (double{1} * height_ * width_);
}

}  // namespace n2s
