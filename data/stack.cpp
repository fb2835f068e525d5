// Selects the stacks of an image, extracts them, and puts results back into an image.
#include "data/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
    throw Error(fmt::format(
        "no rows and columns are left where the stack runs along {1}: the image has {0}; choose another --axis",
        describe_axes(image.axes), plane_axis ? image.axes[*plane_axis].name : '-'));
  return {spatial[spatial.size() - 2], spatial.back()};
}

std::optional<std::size_t> requested_position(const Image& image, const Axis& axis, const StackOptions& options) {
  const std::optional<std::size_t> requested = axis.name == 'C'   ? options.channel
                                               : axis.name == 'T' ? options.time
                                                                  : options.slice;
  if (requested && *requested >= axis.length)
    throw Error(fmt::format("there is no position {} along {}: the image has {} (counting from 0)", *requested,
                            axis.name, describe_axes(image.axes)));
  return requested;
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

bool is_part(const StackSelection& selection, std::size_t axis) {
  return axis == selection.plane_axis || axis == selection.row_axis || axis == selection.column_axis;
}

/// "3 planes along Z of 5x7 pixels (Y by X)"; with `stacks` above 1 "4 stacks of 3 planes ...".
std::string describe_planes(const Image& image, const StackSelection& selection, std::size_t stacks) {
  const auto& axes = image.axes;
  const Axis &rows = axes[selection.row_axis], &columns = axes[selection.column_axis];
  std::string text = fmt::format("{}: ", describe_axes(axes));
  if (stacks > 1) text += fmt::format("{} stacks of ", stacks);
  if (selection.plane_axis) {
    const Axis& planes = axes[*selection.plane_axis];
    text += fmt::format("{} plane{} along {}", planes.length, planes.length == 1 ? "" : "s", planes.name);
  } else {
    text += "one plane";
  }
  return text + fmt::format(" of {}x{} pixels ({} by {})", rows.length, columns.length, rows.name, columns.name);
}

const char* position_name(char axis) {
  return axis == 'C' ? "channel" : axis == 'T' ? "time point" : "slice";
}

std::string describe_positions(const Image& image, const StackSelection& selection, const std::vector<bool>& of) {
  std::string text;
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    if (of[i] && !is_part(selection, i) && image.axes[i].length > 1)
      text += fmt::format(", {} {} of {} (from 0)", position_name(image.axes[i].name), selection.position[i],
                          image.axes[i].length);
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

void check_size(const Stack& stack, const Stack& expected) {
  if (stack.planes != expected.planes || stack.height != expected.height || stack.width != expected.width ||
      stack.voxels.size() != voxel_count(expected))
    throw Error(fmt::format("a result of {} planes of {}x{} does not fit the input's {} planes of {}x{}", stack.planes,
                            stack.height, stack.width, expected.planes, expected.height, expected.width));
}

}  // namespace

ImageStacks select_stacks(const Image& image, const StackOptions& options) {
  StackSelection first;
  first.plane_axis = choose_plane_axis(image, options.axis);
  std::tie(first.row_axis, first.column_axis) = choose_plane(image, first.plane_axis);
  first.position.assign(image.axes.size(), 0);
  ImageStacks result;
  std::vector<bool> fixed(image.axes.size(), false);
  std::size_t count = 1;
  for (std::size_t i = 0; i < image.axes.size(); ++i) {
    if (!is_part(first, i)) {
      const std::optional<std::size_t> requested = requested_position(image, image.axes[i], options);
      first.position[i] = requested.value_or(0);
      fixed[i] = requested.has_value();
      if (!requested) count *= image.axes[i].length;
    }
    if (!fixed[i]) result.kept.push_back(i);
  }
  check_request(image, first, 'C', options.channel);
  check_request(image, first, 'T', options.time);
  check_request(image, first, 'Z', options.slice);
  result.describe = describe_planes(image, first, count) + describe_positions(image, first, fixed);
  const std::vector<bool> all(image.axes.size(), true);
  for (StackSelection next = first; result.stacks.size() < count;) {
    next.describe = describe_planes(image, next, 1) + describe_positions(image, next, all);
    result.stacks.push_back(next);
    for (std::size_t i = image.axes.size(); i-- > 0;) {  // count up, the last axis fastest
      if (fixed[i] || is_part(next, i)) continue;
      if (++next.position[i] < image.axes[i].length) break;
      next.position[i] = 0;
    }
  }
  return result;
}

StackSelection select_stack(const Image& image, const StackOptions& options) {
  const auto channels = find_axis(image.axes, 'C');
  StackSelection selection = select_stacks(image, options).stacks.front();
  if (image.colour && channels && !is_part(selection, *channels) && !options.channel)
    throw Error(fmt::format("this is a colour image: choose one of its {} channels (0 is red, 1 green, 2 blue)",
                            image.axes[*channels].length));
  return selection;
}

std::size_t channel_of(const Image& image, const StackSelection& selection) {
  const auto axis = find_axis(image.axes, 'C');
  return axis && !is_part(selection, *axis) ? selection.position[*axis] : 0;
}

std::size_t number_of(const Image& image, const StackSelection& selection) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    if (!is_part(selection, i)) number = number * image.axes[i].length + selection.position[i];
  return number;
}

std::string describe_position(const Image& image, const StackSelection& selection) {
  std::string text;
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    if (!is_part(selection, i) && image.axes[i].length > 1)
      text +=
          fmt::format("{}{} {}", text.empty() ? "" : ", ", position_name(image.axes[i].name), selection.position[i]);
  return text;
}

Image image_of(Stack stack) {
  Image image;
  image.axes = {{'Z', static_cast<std::size_t>(stack.planes), 1},
                {'Y', static_cast<std::size_t>(stack.height), 1},
                {'X', static_cast<std::size_t>(stack.width), 1}};
  image.values = std::move(stack.voxels);
  return image;
}

Stack take_stack(const Image& image, const StackSelection& selection) {
  Stack stack = empty_stack(image.axes, selection);
  stack.voxels.resize(voxel_count(stack));
  for_each_voxel(stack, view_of(image.axes, selection),
                 [&](std::size_t in_stack, std::size_t in_image) { stack.voxels[in_stack] = image.values[in_image]; });
  return stack;
}

Image result_header(const Image& image, const ImageStacks& selected) {
  Image result = without_values(image);
  result.axes.clear();
  result.colour = false;
  for (const std::size_t axis : selected.kept) {
    result.axes.push_back(image.axes[axis]);
    result.colour = result.colour || (image.colour && image.axes[axis].name == 'C');
  }
  return result;
}

StackSelection place_in_result(const ImageStacks& selected, const StackSelection& stack) {
  const auto place = [&](std::size_t axis) {
    return static_cast<std::size_t>(std::find(selected.kept.begin(), selected.kept.end(), axis) -
                                    selected.kept.begin());
  };
  StackSelection to;
  if (stack.plane_axis) to.plane_axis = place(*stack.plane_axis);
  to.row_axis = place(stack.row_axis);
  to.column_axis = place(stack.column_axis);
  for (const std::size_t axis : selected.kept) to.position.push_back(stack.position[axis]);
  return to;
}

bool has_image_planes(const Image& image, const ImageStacks& selected) {
  const StackSelection& first = selected.stacks.front();
  return first.row_axis + 2 == image.axes.size() && first.column_axis + 1 == image.axes.size();
}

std::size_t plane_number(const std::vector<Axis>& axes, const StackSelection& stack, int plane) {
  std::size_t number = 0;
  for (std::size_t i = 0; i + 2 < axes.size(); ++i)
    number = number * axes[i].length + (i == stack.plane_axis ? static_cast<std::size_t>(plane) : stack.position[i]);
  return number;
}

Stack stack_shape(const Image& image, const StackSelection& selection) {
  return empty_stack(image.axes, selection);
}

Image put_stacks(const Image& image, const ImageStacks& selected, std::span<const Stack> stacks) {
  if (stacks.size() != selected.stacks.size())
    throw Error(fmt::format("{} results do not fit {} stacks", stacks.size(), selected.stacks.size()));
  Image result = result_header(image, selected);
  result.values.resize(sample_count(result.axes));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const Stack& stack = stacks[i];
    check_size(stack, empty_stack(image.axes, selected.stacks[i]));
    const View view = view_of(result.axes, place_in_result(selected, selected.stacks[i]));
    for_each_voxel(stack, view, [&](std::size_t in_stack, std::size_t in_image) {
      result.values[in_image] = stack.voxels[in_stack];
    });
  }
  return result;
}

Image put_stack(const Image& image, const StackSelection& selection, const Stack& stack) {
  ImageStacks alone{{selection}, {}, {}};
  for (std::size_t i = 0; i < image.axes.size(); ++i)
    if (is_part(selection, i)) alone.kept.push_back(i);
  return put_stacks(image, alone, std::span(&stack, 1));
}

FiniteRange finite_range(std::span<const float> values) {
  FiniteRange range{std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()};
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range;
}

}  // namespace n2s
