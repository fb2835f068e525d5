// See plane_pictures.h.
#include "tools/report/plane_pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdint>

#include "data/formats/png.h"
#include "data/normalisation.h"
#include "kernels/fft/fft.h"
#include "tools/report/html.h"

namespace n2s {
namespace {

std::size_t index_of(const PlanePicture& plane, int y, int x) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(plane.width) + static_cast<std::size_t>(x);
}

std::uint8_t grey(float value, const GreyWindow& window) {
  const double level = 255 * (value - window.black) / (window.white - window.black);
  return static_cast<std::uint8_t>(std::clamp(std::isfinite(level) ? level : 0.0, 0.0, 255.0));
}

/// In the mask, beside a pixel that is not.
bool is_outline(const PlanePicture& mask, int y, int x) {
  const auto inside = [&](int row, int column) {
    const int r = std::clamp(row, 0, mask.height - 1);
    const int c = std::clamp(column, 0, mask.width - 1);
    return mask.values[index_of(mask, r, c)] > 0.5F;
  };
  return inside(y, x) && !(inside(y - 1, x) && inside(y + 1, x) && inside(y, x - 1) && inside(y, x + 1));
}

}  // namespace

GreyWindow grey_window(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  const double black = percentile(sorted, 0.5);
  const double white = percentile(sorted, 99.8);
  return {black, white > black ? white : black + 1};
}

PlanePicture middle_part(std::span<const float> plane, int height, int width, int side) {
  PlanePicture part{std::min(height, side), std::min(width, side), {}};
  const int top = (height - part.height) / 2;
  const int left = (width - part.width) / 2;
  for (int y = 0; y < part.height; ++y) {
    const auto row = plane.begin() + static_cast<std::ptrdiff_t>(top + y) * width + left;
    part.values.insert(part.values.end(), row, row + part.width);
  }
  return part;
}

PlanePicture enlarged(const PlanePicture& plane, int top, int left, int side, int times) {
  PlanePicture picture{side * times, side * times, {}};
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      picture.values.push_back(plane.values[index_of(plane, top + y / times, left + x / times)]);
  return picture;
}

Place most_structure(const PlanePicture& plane, int side) {
  constexpr int kStep = 8;  // pixels between the places that are tried
  Place best{std::max(0, (plane.height - side) / 2), std::max(0, (plane.width - side) / 2)};
  double most = -1;
  const int edge = std::min({side / 2, (plane.height - side) / 2, (plane.width - side) / 2});
  for (int top = std::max(0, edge); top + side + edge <= plane.height; top += kStep)
    for (int left = std::max(0, edge); left + side + edge <= plane.width; left += kStep) {
      double sum = 0;
      double squares = 0;
      for (int y = top; y < top + side; ++y)
        for (int x = left; x < left + side; ++x) {
          const double v = plane.values[index_of(plane, y, x)];
          sum += v;
          squares += v * v;
        }
      const double n = double{1} * side * side;
      const double variance = squares / n - sum / n * (sum / n);
      if (variance > most) {
        most = variance;
        best = {top, left};
      }
    }
  return best;
}

PlanePicture log_spectrum(const PlanePicture& plane) {
  const Fft2d fft(plane.height, plane.width);
  std::vector<std::complex<float>> half(fft.shape().size());
  fft.forward(plane.values, half);
  PlanePicture picture{plane.height, plane.width, {}};
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x) {
      int ky = (y - plane.height / 2 + plane.height) % plane.height;
      int kx = (x - plane.width / 2 + plane.width) % plane.width;
      if (kx > plane.width / 2) {  // the conjugate
        kx = plane.width - kx;
        ky = (plane.height - ky) % plane.height;
      }
      const auto i =
          static_cast<std::size_t>(ky) * static_cast<std::size_t>(fft.shape().columns()) + static_cast<std::size_t>(kx);
      picture.values.push_back(std::log10(std::abs(half[i]) + 1e-6F));
    }
  return picture;
}

std::string grey_uri(const PlanePicture& plane, const GreyWindow& window) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(plane.values.size());
  for (const float value : plane.values) bytes.push_back(grey(value, window));
  return png_uri(encode_png_grey(plane.width, plane.height, bytes));
}

std::string outlined_uri(const PlanePicture& plane, const GreyWindow& window, const PlanePicture& mask,
                         const PlanePicture& truth_mask) {
  constexpr std::array<std::uint8_t, 3> kMask{230, 120, 0};
  constexpr std::array<std::uint8_t, 3> kTruth{60, 160, 255};
  constexpr std::array<std::uint8_t, 3> kBoth{255, 255, 255};
  std::vector<std::uint8_t> bytes;
  bytes.reserve(3 * plane.values.size());
  for (int y = 0; y < plane.height; ++y)
    for (int x = 0; x < plane.width; ++x) {
      const bool of_mask = is_outline(mask, y, x);
      const bool of_truth = is_outline(truth_mask, y, x);
      const std::uint8_t level = grey(plane.values[index_of(plane, y, x)], window);
      const std::array<std::uint8_t, 3> colour = of_mask && of_truth ? kBoth
                                                 : of_mask           ? kMask
                                                 : of_truth          ? kTruth
                                                                     : std::array{level, level, level};
      bytes.insert(bytes.end(), colour.begin(), colour.end());
    }
  return png_uri(encode_png_rgb(plane.width, plane.height, bytes));
}

}  // namespace n2s
