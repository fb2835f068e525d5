// Which planes are taken from an image, and that results land where their inputs were.
#include "data/stack.h"

#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

Image hyperstack() {
  return ramp_image({{'T', 4, 2.5}, {'Z', 3, 0.75}, {'C', 2, 1}, {'Y', 5, 0.5}, {'X', 7, 0.25}}, SampleType::uint16);
}

StackOptions along(const std::string& axis) {
  StackOptions options;
  options.axis = axis;
  return options;
}

float value_at(const Image& image, std::vector<std::size_t> position) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < position.size(); ++i) index = index * image.axes[i].length + position[i];
  return image.values[index];
}

}  // namespace

TEST_CASE("defaults") {
  const Image volume = ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  const Stack stack = take_stack(volume, select_stack(volume));
  CHECK(stack.planes == 3);
  CHECK(stack.height == 5);
  CHECK(stack.width == 7);
  CHECK(stack.voxels == volume.values);
  CHECK(select_stack(volume).describe == "Z=3 Y=5 X=7: 3 planes along Z of 5x7 pixels (Y by X)");

  const Image film = ramp_image({{'T', 4, 1}, {'Z', 1, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  CHECK(take_stack(film, select_stack(film)).planes == 4);
  CHECK(take_stack(film, select_stack(film)).voxels == film.values);

  const Image plane = ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  CHECK(take_stack(plane, select_stack(plane)).planes == 1);
  CHECK(select_stack(plane).describe == "Y=5 X=7: one plane of 5x7 pixels (Y by X)");
}

TEST_CASE("channel and time") {
  const Image image = hyperstack();
  StackOptions options;
  options.channel = 1;
  options.time = 3;
  const StackSelection selection = select_stack(image, options);
  CHECK(selection.describe ==
        "T=4 Z=3 C=2 Y=5 X=7: 3 planes along Z of 5x7 pixels (Y by X), time point 3 of 4 (from 0), channel 1 of 2 "
        "(from 0)");
  const Stack stack = take_stack(image, selection);
  CHECK(stack.voxels[(2 * 5 + 4) * 7 + 6] == value_at(image, {3, 2, 1, 4, 6}));
  const Image result = put_stack(image, selection, stack);
  CHECK(describe_axes(result.axes) == "Z=3 Y=5 X=7");
  CHECK(result.axes[0].spacing == 0.75);
  CHECK(result.values == stack.voxels);
  options = along("t");
  options.slice = 2;
  const Stack film = take_stack(image, select_stack(image, options));
  CHECK(film.planes == 4);
  CHECK(film.voxels[(3 * 5 + 1) * 7 + 2] == value_at(image, {3, 2, 0, 1, 2}));
}

TEST_CASE("any axis, by name and by number, and back") {
  const Image image = ramp_image({{'Z', 3, 1}, {'Y', 5, 2}, {'X', 7, 3}}, SampleType::uint16);
  for (const std::string name : {"y", "Y", "j", "1"}) {
    const StackSelection selection = select_stack(image, along(name));
    const Stack stack = take_stack(image, selection);
    CHECK(stack.planes == 5);
    CHECK(stack.height == 3);
    CHECK(stack.width == 7);
    CHECK(stack.voxels[(4 * 3 + 2) * 7 + 1] == value_at(image, {2, 4, 1}));
    const Image result = put_stack(image, selection, stack);
    CHECK(result.axes == image.axes);
    CHECK(result.values == image.values);
  }
  const Stack sagittal = take_stack(image, select_stack(image, along("i")));
  CHECK(sagittal.planes == 7);
  CHECK(sagittal.voxels[(6 * 3 + 1) * 5 + 4] == value_at(image, {1, 4, 6}));
}

TEST_CASE("requests that an image cannot satisfy") {
  const Image image = hyperstack();
  const auto message_of = [&](const StackOptions& options) { return error_of([&] { select_stack(image, options); }); };
  CHECK(contains(message_of(along("w")), "there is no axis 'w': the image has T=4 Z=3 C=2 Y=5 X=7"));
  CHECK(contains(message_of(along("9")), "there is no axis '9'"));
  StackOptions options;
  options.channel = 2;
  CHECK(contains(message_of(options), "there is no position 2 along C"));
  options = {};
  options.slice = 1;
  CHECK(contains(message_of(options), "Z is part of the stack"));
  const Image plane = ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  options = {};
  options.channel = 1;
  CHECK(contains(error_of([&] { select_stack(plane, options); }), "there is no channel 1: the image has Y=5 X=7"));
  CHECK(contains(error_of([&] { select_stack(plane, along("x")); }),
                 "no rows and columns are left where the stack runs along X"));
  const StackSelection selection = select_stack(plane);
  Stack other = take_stack(plane, selection);
  other.height = 4;
  CHECK(contains(error_of([&] { put_stack(plane, selection, other); }), "does not fit the input's 1 planes of 5x7"));
}

TEST_CASE("every channel and time point is a stack, and results have the full shape again") {
  Image image = hyperstack();
  image.colour = true;
  const ImageStacks all = select_stacks(image);
  CHECK(all.describe == "T=4 Z=3 C=2 Y=5 X=7: 8 stacks of 3 planes along Z of 5x7 pixels (Y by X)");
  REQUIRE(all.stacks.size() == 8);
  std::vector<Stack> stacks;
  for (std::size_t i = 0; i < 8; ++i) {
    stacks.push_back(take_stack(image, all.stacks[i]));
    CHECK(channel_of(image, all.stacks[i]) == i % 2);
    CHECK(number_of(image, all.stacks[i]) == i);
    CHECK(describe_position(image, all.stacks[i]) ==
          "time point " + std::to_string(i / 2) + ", channel " + std::to_string(i % 2));
    CHECK(stacks[i].voxels[(2 * 5 + 4) * 7 + 6] == value_at(image, {i / 2, 2, i % 2, 4, 6}));
  }
  const Image result = put_stacks(image, all, stacks);
  CHECK(result.axes == image.axes);
  CHECK(result.values == image.values);
  CHECK(result.colour);
  CHECK(
      contains(error_of([&] { put_stacks(image, all, std::span(stacks).first(7)); }), "7 results do not fit 8 stacks"));
}

TEST_CASE("an option restricts an axis, which the result then lacks") {
  const Image image = hyperstack();
  StackOptions options = along("t");
  options.channel = 1;
  const ImageStacks slices = select_stacks(image, options);
  CHECK(slices.describe ==
        "T=4 Z=3 C=2 Y=5 X=7: 3 stacks of 4 planes along T of 5x7 pixels (Y by X), channel 1 of 2 (from 0)");
  std::vector<Stack> stacks;
  for (const StackSelection& selection : slices.stacks) {
    CHECK(channel_of(image, selection) == 1);
    CHECK(number_of(image, selection) == stacks.size() * 2 + 1);  // the same as without the restriction
    stacks.push_back(take_stack(image, selection));
  }
  const Image result = put_stacks(image, slices, stacks);
  CHECK(describe_axes(result.axes) == "T=4 Z=3 Y=5 X=7");
  CHECK(value_at(result, {3, 2, 4, 6}) == value_at(image, {3, 2, 1, 4, 6}));
  CHECK(value_at(result, {1, 0, 2, 3}) == value_at(image, {1, 0, 1, 2, 3}));
  CHECK(select_stacks(image, along("c")).stacks.size() == 12);
  CHECK(channel_of(image, select_stacks(image, along("c")).stacks[5]) == 0);
}
