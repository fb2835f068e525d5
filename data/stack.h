// From an image with any axes to the stacks of planes that the networks work on, and back: one axis is the stack's, two
// make the planes, and each position along all others (channels, time points, slices) is a stack of its own.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"

namespace n2s {

/// Planes of one size, in order: voxels[(plane * height + row) * width + column].
struct Stack {
  int planes = 0, height = 0, width = 0;  // planes, pixels, pixels
  std::vector<float> voxels;
};

/// Pixels of a plane.
inline std::size_t plane_pixels(const Stack& stack) {
  return static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
}

inline std::span<const float> plane_of(const Stack& stack, std::ptrdiff_t plane) {
  return std::span(stack.voxels).subspan(static_cast<std::size_t>(plane) * plane_pixels(stack), plane_pixels(stack));
}
inline std::span<float> plane_of(Stack& stack, std::ptrdiff_t plane) {
  return std::span(stack.voxels).subspan(static_cast<std::size_t>(plane) * plane_pixels(stack), plane_pixels(stack));
}

/// What a user may ask for; everything counts from 0.
struct StackOptions {
  /// Which axis the planes follow each other along: a letter (x y z t c; i j k are x y z), or its position in the
  /// file's axes, slowest first. Empty: Z where it has more than one plane, else T.
  std::string axis;
  // Only this position along an axis; unset: every position.
  std::optional<std::size_t> channel, time;
  std::optional<std::size_t> slice;  // along Z, where the stack runs along T or C
};

struct StackSelection {
  std::optional<std::size_t> plane_axis;  // index into the image's axes; none: a single plane
  std::size_t row_axis = 0, column_axis = 0;
  std::vector<std::size_t> position;  // one per axis of the image; used for the axes that are not among the three
  std::string describe;               // one line for the user: what was chosen, out of what
};

/// The stacks of an image, in the order of its axes, the last one fastest.
struct ImageStacks {
  std::vector<StackSelection> stacks;
  std::vector<std::size_t> kept;  // axes that a result has, in order: all but those that the options hold at a position
  std::string describe;           // one line for the user
};

/// Applies the defaults and checks the request against the image. An image of one plane gives stacks of one plane.
/// Throws Error: no such axis, a position out of range.
ImageStacks select_stacks(const Image& image, const StackOptions& options = {});

/// One stack: position 0 where the options leave the choice. A colour image needs a channel.
StackSelection select_stack(const Image& image, const StackOptions& options = {});

/// Along the channels; 0 where there are none, or where the stack runs along them.
std::size_t channel_of(const Image& image, const StackSelection& selection);

/// Which stack of the image it is, counted over all positions of the axes that are not the stack's.
std::size_t number_of(const Image& image, const StackSelection& selection);

/// "channel 1, time point 3", for messages; empty where the image has no other stack.
std::string describe_position(const Image& image, const StackSelection& selection);

/// An image of floats with the axes Z, Y and X, of unknown spacing.
Image image_of(Stack stack);

/// The selected voxels. Planes are Y rows by X columns; along Y they are Z by X, along X they are Z by Y.
Stack take_stack(const Image& image, const StackSelection& selection);

/// An image with the input's axes order, spacing, orientation and sample type that holds one result for each of
/// `selected.stacks`. Of `image` everything but the values is used. Throws Error where sizes differ.
Image put_stacks(const Image& image, const ImageStacks& selected, std::span<const Stack> stacks);

/// That image without its values.
Image result_header(const Image& image, const ImageStacks& selected);

/// Where the result of a stack lies in it.
StackSelection place_in_result(const ImageStacks& selected, const StackSelection& stack);

/// Whether planes of the stacks are planes of the image: its last two axes.
bool has_image_planes(const Image& image, const ImageStacks& selected);

/// Number of a stack's plane among all planes of an image with these axes. Only where has_image_planes().
std::size_t plane_number(const std::vector<Axis>& axes, const StackSelection& stack, int plane);

/// Pixels and planes of a stack; no voxels.
Stack stack_shape(const Image& image, const StackSelection& selection);

/// The same for `stack` alone, with the three axes of the selection.
Image put_stack(const Image& image, const StackSelection& selection, const Stack& stack);

/// Lowest and highest of the values that are finite; low is above high where none is.
struct FiniteRange {
  float low = 0, high = 0;
};
FiniteRange finite_range(std::span<const float> values);

}  // namespace n2s
