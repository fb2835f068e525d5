// See camera_background.h.
#include "tools/experiments/camera_background.h"

#include <algorithm>
#include <cstddef>

namespace n2s {
namespace {

constexpr std::size_t kBandBytes = std::size_t{128} << 20;

float median(std::vector<float>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

std::vector<float> pixel_medians(const StoredPlanes& images, std::span<const int> planes, ThreadPool& pool) {
  const auto width = static_cast<std::size_t>(images.shape().width);
  const auto height = static_cast<std::size_t>(images.shape().height);
  const std::size_t rows_at_once =
      std::clamp<std::size_t>(kBandBytes / (planes.size() * width * sizeof(float)), 1, height);
  std::vector<float> medians(width * height);
  std::vector<float> band;
  for (std::size_t top = 0; top < height; top += rows_at_once) {
    const std::size_t rows = std::min(rows_at_once, height - top);
    const std::size_t pixels = rows * width;
    band.resize(planes.size() * pixels);
    for (std::size_t i = 0; i < planes.size(); ++i)
      images.read(planes[i], {static_cast<int>(top), 0, static_cast<int>(rows), static_cast<int>(width)},
                  std::span(band).subspan(i * pixels, pixels));
    pool.parallel_for(static_cast<std::ptrdiff_t>(rows), [&](std::ptrdiff_t row, int) {
      std::vector<float> values(planes.size());
      for (std::size_t x = 0; x < width; ++x) {
        const std::size_t pixel = static_cast<std::size_t>(row) * width + x;
        for (std::size_t i = 0; i < planes.size(); ++i) values[i] = band[i * pixels + pixel];
        medians[top * width + pixel] = median(values);
      }
    });
  }
  return medians;
}

}  // namespace n2s
