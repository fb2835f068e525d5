// From an image with any axes to the stack of planes that the networks work on, and back: one axis is the stack's, two
// make the planes, all others are held at one position.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace n2s {

/// Planes of one size, in order: voxels[(plane * height + row) * width + column].
struct Stack {
  int planes = 0, height = 0, width = 0;  // planes, pixels, pixels
  std::vector<float> voxels;
};

/// What a user may ask for; everything counts from 0.
struct StackOptions {
  /// Which axis the planes follow each other along: a letter (x y z t c; i j k are x y z), or its position in the
  /// file's axes, slowest first. Empty: Z where it has more than one plane, else T.
  std::string axis;
  std::optional<std::size_t> channel;  // default 0; must be given for a colour image
  std::optional<std::size_t> time;     // default 0
  std::optional<std::size_t> slice;    // position along Z when the stack runs along T or C; default 0
};

struct StackSelection {
  std::optional<std::size_t> plane_axis;  // index into the image's axes; none: a single plane
  std::size_t row_axis = 0, column_axis = 0;
  std::vector<std::size_t> position;  // one per axis of the image; used for the axes that are not among the three
  std::string describe;               // one line for the user: what was chosen, out of what
};

/// Applies the defaults and checks the request against the image. An image of one plane gives a selection of one plane.
/// Throws Error: no such axis, a position out of range, a colour image without a channel.
StackSelection select_stack(const Image& image, const StackOptions& options = {});

/// The selected voxels. Planes are Y rows by X columns; along Y they are Z by X, along X they are Z by Y.
Stack take_stack(const Image& image, const StackSelection& selection);

/// An image with the input's axes order, spacing, orientation and sample type that holds `stack` alone: axes that were
/// held at one position are gone. Of `image` everything but the values is used. Throws Error where sizes differ.
Image put_stack(const Image& image, const StackSelection& selection, const Stack& stack);

}  // namespace n2s
