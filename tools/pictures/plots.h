// Plots: curves over training steps, and images side by side.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/pictures/canvas.h"

namespace n2s {

struct Curve {
  std::string name;
  std::vector<double> x, y;  // of one length
};

/// A diagram of curves with axes and a legend; y on a logarithmic scale where the diagram is and all values are above
/// 0.
struct Diagram {
  std::string x_label, y_label;
  std::vector<Curve> curves;
  bool logarithmic = true;
};
Canvas draw_diagram(const Diagram& diagram);

/// A gray image, rows of `width` values.
struct PanelImage {
  std::string caption;
  std::span<const float> values;
  int height = 0, width = 0;
};

/// Images in one row under their captions; `black` and `white` are the values shown so. Small images are enlarged.
Canvas draw_panel(const std::vector<PanelImage>& images, double black, double white);

}  // namespace n2s
