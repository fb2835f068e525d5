// Picks the middle planes and the grey window of a panel.
#include "tools/pictures/result_pictures.h"

#include <algorithm>

#include "data/normalisation.h"
#include "tools/pictures/plots.h"

namespace n2s {

Canvas middle_panel(const std::vector<PanelStack>& stacks) {
  std::vector<PanelImage> images;
  for (const PanelStack& shown : stacks) {
    const Stack& stack = *shown.stack;
    const std::size_t pixels = static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
    const auto middle = static_cast<std::size_t>(stack.planes / 2);
    images.push_back(
        {shown.caption, std::span(stack.voxels).subspan(middle * pixels, pixels), stack.height, stack.width});
  }
  std::vector<float> window(images.back().values.begin(), images.back().values.end());
  const double black = percentile(window, 1);
  const double white = std::max(percentile(window, 99.9), black + 1e-6);
  return draw_panel(images, black, white);
}

}  // namespace n2s
