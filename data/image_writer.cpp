// See image_writer.h: what all writers share, and the one that collects an image in memory.
#include "data/image_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/base/error.h"

namespace n2s {
namespace {

class WholeWriter final : public ImageWriter {
 public:
  WholeWriter(Image header, std::function<void(const Image&)> write, std::string_view order)
      : ImageWriter(std::move(header), order), whole_(image()), write_(std::move(write)) {
    whole_.values.resize(sample_count(whole_.axes));
  }

  void commit() override { write_(whole_); }

 private:
  void write_stored(std::size_t number, std::span<const float> plane) override {
    std::copy(plane.begin(), plane.end(),
              whole_.values.begin() + static_cast<std::ptrdiff_t>(number * plane_samples()));
  }

  Image whole_;
  std::function<void(const Image&)> write_;
};

std::string letters_of(const std::vector<Axis>& axes) {
  std::string letters;
  for (const Axis& axis : axes) letters += axis.name;
  return letters;
}

}  // namespace

ImageWriter::ImageWriter(Image header, std::string_view order) : image_(std::move(header)) {
  const std::vector<Axis> given = image_.axes;
  if (!letters_of(given).ends_with("YX"))
    throw Error(fmt::format("an image of planes needs rows and columns, not {}", describe_axes(given)));
  std::vector<Axis> stored;
  for (const char name : order)
    if (const auto axis = find_axis(given, name)) stored.push_back(given[*axis]);
  if (stored.size() != given.size())
    throw Error(fmt::format("cannot arrange axes {} as {}", describe_axes(given), order));
  image_.axes = stored;
  for (std::size_t i = 0; i + 2 < given.size(); ++i) {
    lengths_.push_back(given[i].length);
    std::size_t stride = 1;
    for (std::size_t j = *find_axis(stored, given[i].name) + 1; j + 2 < stored.size(); ++j) stride *= stored[j].length;
    strides_.push_back(stride);
  }
}

std::size_t ImageWriter::plane_samples() const {
  return image_.axes[image_.axes.size() - 2].length * image_.axes.back().length;
}

std::size_t ImageWriter::planes() const {
  return sample_count(image_.axes) / plane_samples();
}

std::size_t ImageWriter::stored_number(std::size_t number) const {
  std::size_t stored = 0;
  for (std::size_t i = lengths_.size(); i-- > 0; number /= lengths_[i]) stored += number % lengths_[i] * strides_[i];
  return stored;
}

void ImageWriter::write(std::size_t first, std::span<const float> values) {
  for (; !values.empty(); values = values.subspan(plane_samples()))
    write_stored(stored_number(first++), values.first(plane_samples()));
}

void ImageWriter::write_all(std::span<const float> values) {
  std::vector<std::size_t> number_at(planes());  // by stored number
  for (std::size_t i = 0; i < number_at.size(); ++i) number_at[stored_number(i)] = i;
  for (std::size_t i = 0; i < number_at.size(); ++i)
    write_stored(i, values.subspan(number_at[i] * plane_samples(), plane_samples()));
}

std::unique_ptr<ImageWriter> whole_writer(Image header, std::function<void(const Image& image)> write) {
  const std::string order = letters_of(header.axes);
  return std::make_unique<WholeWriter>(std::move(header), std::move(write), order);
}

}  // namespace n2s
