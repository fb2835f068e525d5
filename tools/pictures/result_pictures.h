// Before-and-after panels.
#pragma once

#include <string>
#include <vector>

#include "data/stack.h"
#include "tools/pictures/canvas.h"

namespace n2s {

/// One picture of the panel: a caption and the stack whose middle plane is shown.
struct PanelStack {
  std::string caption;
  const Stack* stack = nullptr;
};

/// The middle plane of each stack in one row, all in the grey window of the last one (1st to 99.9th percentile).
Canvas middle_panel(const std::vector<PanelStack>& stacks);

}  // namespace n2s
