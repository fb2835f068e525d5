// A rectangle of a plane.
#pragma once

namespace n2s {

/// Pixels; lies within the plane.
struct PlaneWindow {
  int top = 0, left = 0, height = 0, width = 0;
};

}  // namespace n2s
