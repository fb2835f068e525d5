// See stack_stream.h.
#include "tools/stack_stream.h"

#include <algorithm>
#include <utility>

#include "data/stack_traits.h"
#include "kernels/base/error.h"
#include "tools/interrupt.h"

namespace n2s {
namespace {

constexpr std::size_t kLargestInMemory = std::size_t{64} << 20;  // bytes of voxels
constexpr std::size_t kAtOnce = std::size_t{32} << 20;           // bytes of voxels that are read at once

}  // namespace

OpenFile open_file(const std::string& path, const InputOptions& input) {
  OpenFile file;
  file.path = path;
  file.options = input;
  file.reader = open_image(path, input.read);
  file.image = file.reader->image();
  file.select(input.stack);
  return file;
}

bool is_large(const OpenFile& file) {
  return has_image_planes(file.image, file.selected) && is_large(voxels_of(file));
}

bool is_large(double voxels) {
  return voxels * sizeof(float) > double{kLargestInMemory};
}

double voxels_of(const FileStacks& file) {
  const Stack shape = stack_shape(file.image, file.selected.stacks.front());
  return static_cast<double>(file.planes()) * shape.height * shape.width;
}

int planes_at_once(std::size_t plane_pixels) {
  return static_cast<int>(std::clamp<std::size_t>(kAtOnce / (plane_pixels * sizeof(float)), 1, 1024));
}

Stack read_planes(const OpenFile& file, std::size_t stack, int first, int count) {
  Stack planes = read_any_planes(file, stack, first, count);
  check_planes_finite(planes, file.name_of(stack), first);
  return planes;
}

Stack read_any_planes(const OpenFile& file, std::size_t stack, int first, int count) {
  const StackSelection& selection = file.selected.stacks[stack];
  Stack planes = stack_shape(file.image, selection);
  planes.planes = count;
  const std::size_t samples = file.reader->plane_samples();
  planes.voxels.resize(samples * static_cast<std::size_t>(count));
  const auto number = [&](int plane) { return plane_number(file.image.axes, selection, plane); };
  const bool together = number(first + count - 1) - number(first) == static_cast<std::size_t>(count - 1);
  if (together) {
    file.reader->read(number(first), planes.voxels);
  } else {
    for (int i = 0; i < count; ++i)
      file.reader->read(number(first + i),
                        std::span(planes.voxels).subspan(static_cast<std::size_t>(i) * samples, samples));
  }
  return planes;
}

void for_each_part(const OpenFile& file, const std::function<void(std::size_t stack, int first, Stack& planes)>& work,
                   const Ranks* ranks) {
  struct Part {
    std::size_t stack;
    int first, count;
  };
  std::vector<Part> parts;
  const int step = planes_at_once(file.reader->plane_samples());
  for (std::size_t stack = 0; stack < file.selected.stacks.size(); ++stack) {
    const int planes = stack_shape(file.image, file.selected.stacks[stack]).planes;
    for (int first = 0; first < planes; first += step) parts.push_back({stack, first, std::min(step, planes - first)});
  }
  const auto read = [&](const Part& part) {
    return std::async(std::launch::async,
                      [&file, part] { return read_planes(file, part.stack, part.first, part.count); });
  };
  if (ranks != nullptr) {
    const BatchShare share = share_of(static_cast<int>(parts.size()), ranks->rank(), ranks->count());
    parts = {parts.begin() + share.first, parts.begin() + share.first + share.count};
  }
  if (parts.empty()) return;
  std::future<Stack> next = read(parts.front());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Stack planes = next.get();
    if (i + 1 < parts.size()) next = read(parts[i + 1]);
    if (interrupted()) throw Error("interrupted; nothing was written");
    work(parts[i].stack, parts[i].first, planes);
  }
}

void BackgroundWriter::write(std::size_t stack, int first, std::vector<float> planes) {
  finish();
  written_ = std::async(std::launch::async, [this, stack, first, planes = std::move(planes)] {
    const StackSelection place = place_in_result(file_->selected, file_->selected.stacks[stack]);
    const std::vector<Axis> axes = file_->result_axes();
    const std::size_t pixels = file_->reader->plane_samples();
    for (std::size_t i = 0; i < planes.size() / pixels; ++i)
      writer_->write(plane_number(axes, place, first + static_cast<int>(i)),
                     std::span(planes).subspan(i * pixels, pixels));
  });
}

void BackgroundWriter::finish() {
  if (written_.valid()) written_.get();
}

bool comes_in_order(const OpenFile& file, const ImageWriter& writer) {
  if (!writer.in_order_only()) return true;
  std::size_t expected = 0;
  for (const StackSelection& stack : file.selected.stacks) {
    const StackSelection place = place_in_result(file.selected, stack);
    const int planes = stack_shape(file.image, stack).planes;
    for (int plane = 0; plane < planes; ++plane)
      if (writer.stored_number(plane_number(file.result_axes(), place, plane)) != expected++) return false;
  }
  return true;
}

Stack sample_pairs(const OpenFile& file, std::size_t stack) {
  Stack sample = stack_shape(file.image, file.selected.stacks[stack]);
  const std::vector<int> planes = sampled_planes(sample.planes, pairs_to_sample(file.reader->plane_samples()));
  sample.planes = 0;
  for (const int plane : planes) {
    const Stack one = read_planes(file, stack, plane, 1);
    sample.voxels.insert(sample.voxels.end(), one.voxels.begin(), one.voxels.end());
    ++sample.planes;
  }
  return sample;
}

}  // namespace n2s
