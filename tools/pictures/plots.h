// Plots: curves over training steps, and images side by side.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace n2s {

struct Curve {
  std::string name;
  std::vector<double> x, y;  // of one length
};

/// Curves in one diagram with axes and a legend; y on a logarithmic scale where all values are above 0.
void write_curves(const std::filesystem::path& path, const std::string& x_label, const std::string& y_label,
                  const std::vector<Curve>& curves);

/// A gray image, rows of `width` values.
struct PanelImage {
  std::string caption;
  std::span<const float> values;
  int height = 0, width = 0;
};

/// Images in one row under their captions; `black` and `white` are the values shown so. Small images are enlarged.
void write_panel(const std::filesystem::path& path, const std::vector<PanelImage>& images, double black, double white);

}  // namespace n2s
