// How the columns of a matrix are divided into panels of a few vectors; packed weights are stored panel by panel.
#pragma once

#include <cstddef>

namespace n2s {

/// `columns` is a multiple of `lanes`, the floats of a vector; panels have at most `most` vectors, as even as possible,
/// so that 48 or 96 columns waste nothing.
struct Panels {
  Panels(std::ptrdiff_t columns, int lanes, int most)
      : vectors(static_cast<int>(columns / lanes)), count((vectors + most - 1) / most) {}
  int first(int panel) const { return vectors * panel / count; }  // in vectors
  int width(int panel) const { return first(panel + 1) - first(panel); }
  int of_vector(int vector) const { return ((vector + 1) * count - 1) / vectors; }
  int vectors, count;
};

}  // namespace n2s
