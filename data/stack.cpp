// Selects planes from an image, extracts them, and puts a result back into an image.
#include "data/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/base/error.h"

namespace n2s {
namespace {

char canonical_name(char letter) {
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  if (letter >= 'I' && letter <= 'K') return static_cast<char>(letter - 'I' + 'X');
  return letter;
}

std::size_t requested_axis(const Image& image, const std::string& requested) {
  std::optional<std::size_t> found;
  if (requested.size() == 1 && requested[0] >= '0' && requested[0] <= '9') {
    const auto position = static_cast<std::size_t>(requested[0] - '0');
    if (position < image.axes.size()) found = position;
  } else if (requested.size() == 1) {
    found = find_axis(image.axes, canonical_name(requested[0]));
  }
  if (!found)
    throw Error(
        fmt::format("there is no axis '{}': the image has {} (slowest first)", requested, describe_axes(image.axes)));
  return *found;
}

std::optional<std::size_t> choose_plane_axis(const Image& image, const std::string& requested) {
  if (!requested.empty()) return requested_axis(image, requested);
  for (const char name : {'Z', 'T'})
    if (const auto axis = find_axis(image.axes, name); axis && image.axes[*axis].length > 1) return axis;
  return find_axis(image.axes, 'Z');
}

// The last two of Z, Y, X that are not the stack's axis.
std::pair<std::size_t, std::size_t> choose_plane(const Image& image, std::optional<std::size_t> plane_axis) {
  std::vector<std::size_t> spatial;
  for (const char name : {'Z', 'Y', 'X'})
    if (const auto axis = find_axis(image.axes, name); axis && axis != plane_axis) spatial.push_back(*axis);
  if (spatial.size() < 2)
    throw Error(fmt::format("no planes are left: the image has {} and the stack runs along {}",
                            describe_axes(image.axes), plane_axis ? image.axes[*plane_axis].name : '-'));
  return {spatial[spatial.size() - 2], spatial.back()};
}

std::size_t choose_position(const Image& image, const Axis& axis, const StackOptions& options) {
  const std::optional<std::size_t> requested = axis.name == 'C'   ? options.channel
                                               : axis.name == 'T' ? options.time
                                                                  : options.slice;
  if (axis.name == 'C' && image.colour && !requested)
    throw Error(
        fmt::format("this is a colour image: choose one of its {} channels (0 is red, 1 green, 2 blue)", axis.length));
  if (requested && *requested >= axis.length)
    throw Error(fmt::format("there is no position {} along {}: the image has {} (counting from 0)", *requested,
                            axis.name, describe_axes(image.axes)));
  return requested.value_or(0);
}

// Without this check a request for an axis that the image lacks would be ignored silently.
void check_request(const Image& image, const StackSelection& selection, char name,
                   std::optional<std::size_t> requested) {
  if (!requested) return;
  const auto axis = find_axis(image.axes, name);
  const char* what = name == 'C' ? "channel" : name == 'T' ? "time point" : "slice";
  if (!axis && *requested != 0)
    throw Error(fmt::format("there is no {} {}: the image has {}", what, *requested, describe_axes(image.axes)));
  if (axis && (axis == selection.plane_axis || axis == selection.row_axis || axis == selection.column_axis))
    throw Error(fmt::format("a {} was chosen, but {} is part of the stack; choose another stack axis or leave it out",
                            what, name));
}

std::string describe_selection(const Image& image, const StackSelection& selection) {
  const auto& axes = image.axes;
  const Axis &rows = axes[selection.row_axis], &columns = axes[selection.column_axis];
  std::string text = fmt::format("{}: ", describe_axes(axes));
  text += selection.plane_axis
              ? fmt::format("{} planes along {}", axes[*selection.plane_axis].length, axes[*selection.plane_axis].name)
              : std::string("one plane");
  text += fmt::format(" of {}x{} pixels ({} by {})", rows.length, columns.length, rows.name, columns.name);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (i == selection.plane_axis || i == selection.row_axis || i == selection.column_axis || axes[i].length == 1)
      continue;
    const char* what = axes[i].name == 'C' ? "channel" : axes[i].name == 'T' ? "time point" : "slice";
    text += fmt::format(", {} {} of {} (from 0)", what, selection.position[i], axes[i].length);
  }
  return text;
}

int checked_length(const Axis& axis) {
  if (axis.length > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error(fmt::format("{} positions along {} are too many", axis.length, axis.name));
  return static_cast<int>(axis.length);
}

struct View {
  std::size_t start, plane_stride, row_stride, column_stride;
};

View view_of(const std::vector<Axis>& axes, const StackSelection& selection) {
  std::vector<std::size_t> strides(axes.size(), 1);
  for (std::size_t i = axes.size(); i-- > 1;) strides[i - 1] = strides[i] * axes[i].length;
  View view = {0, 0, strides[selection.row_axis], strides[selection.column_axis]};
  if (selection.plane_axis) view.plane_stride = strides[*selection.plane_axis];
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (i != selection.plane_axis && i != selection.row_axis && i != selection.column_axis)
      view.start += selection.position[i] * strides[i];
  return view;
}

// Calls visit(index in the stack, index in the image) for every voxel.
template <class Visit>
void for_each_voxel(const Stack& stack, const View& view, Visit&& visit) {
  std::size_t index = 0;
  for (std::size_t p = 0; p < static_cast<std::size_t>(stack.planes); ++p)
    for (std::size_t y = 0; y < static_cast<std::size_t>(stack.height); ++y)
      for (std::size_t x = 0; x < static_cast<std::size_t>(stack.width); ++x)
        visit(index++, view.start + p * view.plane_stride + y * view.row_stride + x * view.column_stride);
}

Stack empty_stack(const std::vector<Axis>& axes, const StackSelection& selection) {
  Stack stack;
  stack.planes = selection.plane_axis ? checked_length(axes[*selection.plane_axis]) : 1;
  stack.height = checked_length(axes[selection.row_axis]);
  stack.width = checked_length(axes[selection.column_axis]);
  return stack;
}

std::size_t voxel_count(const Stack& stack) {
  return static_cast<std::size_t>(stack.planes) * static_cast<std::size_t>(stack.height) *
         static_cast<std::size_t>(stack.width);
}

}  // namespace

StackSelection select_stack(const Image& image, const StackOptions& options) {
  StackSelection selection;
  selection.plane_axis = choose_plane_axis(image, options.axis);
  std::tie(selection.row_axis, selection.column_axis) = choose_plane(image, selection.plane_axis);
  selection.position.assign(image.axes.size(), 0);
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    if (i != selection.plane_axis && i != selection.row_axis && i != selection.column_axis)
      selection.position[i] = choose_position(image, image.axes[i], options);
  check_request(image, selection, 'C', options.channel);
  check_request(image, selection, 'T', options.time);
  check_request(image, selection, 'Z', options.slice);
  selection.describe = describe_selection(image, selection);
  return selection;
}

Stack take_stack(const Image& image, const StackSelection& selection) {
  Stack stack = empty_stack(image.axes, selection);
  stack.voxels.resize(voxel_count(stack));
  for_each_voxel(stack, view_of(image.axes, selection),
                 [&](std::size_t in_stack, std::size_t in_image) { stack.voxels[in_stack] = image.values[in_image]; });
  return stack;
}

Image put_stack(const Image& image, const StackSelection& selection, const Stack& stack) {
  const Stack expected = empty_stack(image.axes, selection);
  if (stack.planes != expected.planes || stack.height != expected.height || stack.width != expected.width ||
      stack.voxels.size() != voxel_count(expected))
    throw Error(fmt::format("a result of {} planes of {}x{} does not fit the input's {} planes of {}x{}", stack.planes,
                            stack.height, stack.width, expected.planes, expected.height, expected.width));
  Image result;
  result.type = image.type;
  result.unit = image.unit;
  result.slope = image.slope;
  result.intercept = image.intercept;
  result.header = image.header;
  result.medical = image.medical;
  StackSelection kept;  // the same three axes among those of the result
  for (std::size_t i = 0; i < image.axes.size(); ++i) {
    if (i == selection.plane_axis) kept.plane_axis = result.axes.size();
    if (i == selection.row_axis) kept.row_axis = result.axes.size();
    if (i == selection.column_axis) kept.column_axis = result.axes.size();
    if (i == selection.plane_axis || i == selection.row_axis || i == selection.column_axis)
      result.axes.push_back(image.axes[i]);
  }
  kept.position.assign(result.axes.size(), 0);
  result.values.resize(stack.voxels.size());
  for_each_voxel(stack, view_of(result.axes, kept),
                 [&](std::size_t in_stack, std::size_t in_image) { result.values[in_image] = stack.voxels[in_stack]; });
  return result;
}

}  // namespace n2s
