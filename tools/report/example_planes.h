// The few planes of a stack that pages show. They are kept in the folder of what made them, so that a page can be made
// at any later time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/stack.h"
#include "tools/report/plane_pictures.h"

namespace n2s {

/// Pixels of a side that are shown: more would make a page of many megabytes.
constexpr int kShownSide = 256;

/// The first, the last and three between, ascending; all where there are fewer.
std::vector<int> example_positions(int planes);

/// Those planes of a stack, whole.
Stack example_planes(const Stack& stack);

/// "plane 25 of 100", for each of those planes.
std::vector<std::string> example_names(int planes);

/// The middle of a plane, at most kShownSide pixels high and wide.
PlanePicture shown_picture(const Stack& planes, int plane);

/// The same of each plane.
Stack shown_part(const Stack& planes);

/// A TIFF of floats; replaces the file. Throws Error.
void write_example(const std::filesystem::path& file, const Stack& planes);

/// None where there is no such file. Throws Error.
std::optional<Stack> read_example(const std::filesystem::path& file);

}  // namespace n2s
