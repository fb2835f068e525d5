// Planes as pictures for pages: parts of them, enlarged, their spectra, and outlines of objects.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace n2s {

struct PlanePicture {
  int height = 0, width = 0;
  std::vector<float> values;
};

/// The values that are shown black and white.
struct GreyWindow {
  double black = 0, white = 1;
};

/// From the percentiles 0.5 and 99.8; also where all values are the same.
GreyWindow grey_window(std::span<const float> values);

/// The part of at most `side` pixels in the middle.
PlanePicture middle_part(std::span<const float> plane, int height, int width, int side);

/// A square of `side` pixels whose upper left corner is (top, left), each pixel as `times` x `times`.
PlanePicture enlarged(const PlanePicture& plane, int top, int left, int side, int times);

/// The place of the square of `side` pixels with the most structure (variance), away from the edges.
struct Place {
  int top = 0, left = 0;
};
Place most_structure(const PlanePicture& plane, int side);

/// Logarithms of the magnitudes of its frequencies, DC in the middle.
PlanePicture log_spectrum(const PlanePicture& plane);

/// As data URIs. `outlines` are drawn along the inner edges of masks: of the truth in blue, of `mask` in orange, where
/// both agree in white.
std::string grey_uri(const PlanePicture& plane, const GreyWindow& window);
std::string outlined_uri(const PlanePicture& plane, const GreyWindow& window, const PlanePicture& mask,
                         const PlanePicture& truth_mask);

}  // namespace n2s
