// The same planes in several states, noisy, restored, true: under a divider, and their details and frequencies beside
// each other.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/stack.h"
#include "tools/report/plane_pictures.h"

namespace n2s {

struct ComparedState {
  std::string name;  // "noisy", "Noise2Stack 1 + 4 planes", ...
  Stack planes;      // of the same size in all states
};

struct ComparedPlanes {
  std::vector<ComparedState> states;
  std::vector<std::string> names;  // of the planes: "plane 25 of 100"
  bool has_one_scale = true;       // all in the grey window of the last state; else each picture has its own
  std::string difference{};        // the name of a last state that is a difference from 0: it has its own window
};

/// Of one plane of a state.
GreyWindow window_of(const ComparedPlanes& compared, std::size_t state, int plane);

/// A viewer that shows two states at first. `number` tells the page's viewers apart.
std::string compared_viewer(const ComparedPlanes& compared, const std::string& name, std::size_t left,
                            std::size_t right, int number);

/// Of the middle plane: the part of the last state with the most structure, enlarged, and the logarithm of the
/// frequencies' magnitudes. Empty where planes are too small for that.
std::string compared_details(const ComparedPlanes& compared);

}  // namespace n2s
