// See example_planes.h.
#include "tools/report/example_planes.h"

#include <fmt/format.h>

#include <set>
#include <span>

#include "data/image.h"
#include "tools/report/plane_pictures.h"

namespace n2s {

std::vector<int> example_positions(int planes) {
  constexpr int kShown = 5;
  std::set<int> shown;
  for (int i = 0; i < kShown; ++i) shown.insert(i * (planes - 1) / (kShown - 1));
  return {shown.begin(), shown.end()};
}

Stack example_planes(const Stack& stack) {
  Stack planes{0, stack.height, stack.width, {}};
  for (const int position : example_positions(stack.planes)) {
    const std::span<const float> pixels = plane_of(stack, position);
    planes.voxels.insert(planes.voxels.end(), pixels.begin(), pixels.end());
    ++planes.planes;
  }
  return planes;
}

std::vector<std::string> example_names(int planes) {
  std::vector<std::string> names;
  for (const int position : example_positions(planes))
    names.push_back(fmt::format("plane {} of {}", position + 1, planes));
  return names;
}

PlanePicture shown_picture(const Stack& planes, int plane) {
  return middle_part(plane_of(planes, plane), planes.height, planes.width, kShownSide);
}

Stack shown_part(const Stack& planes) {
  Stack parts;
  for (int i = 0; i < planes.planes; ++i) {
    const PlanePicture part = shown_picture(planes, i);
    parts.height = part.height;
    parts.width = part.width;
    parts.voxels.insert(parts.voxels.end(), part.values.begin(), part.values.end());
    ++parts.planes;
  }
  return parts;
}

void write_example(const std::filesystem::path& file, const Stack& planes) {
  WriteOptions write;
  write.overwrite = true;
  write_image(file, image_of(planes), write);
}

std::optional<Stack> read_example(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const Image image = read_image(file);
  return take_stack(image, select_stack(image));
}

}  // namespace n2s
