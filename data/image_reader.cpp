// See image_reader.h: what all readers share, and those of images in memory and of raw samples.
#include "data/image_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

class MemoryReader final : public ImageReader {
 public:
  explicit MemoryReader(Image image) : ImageReader({}), values_(std::move(image.values)) {
    image.values.clear();
    header() = std::move(image);
  }

  void read(std::size_t first, std::span<float> values) override {
    const auto from = values_.begin() + static_cast<std::ptrdiff_t>(first * plane_samples());
    std::copy(from, from + static_cast<std::ptrdiff_t>(values.size()), values.begin());
  }

  Image read_all() override {
    header().values = std::move(values_);
    return std::move(header());
  }

 private:
  std::vector<float> values_;
};

class RawReader final : public ImageReader {
 public:
  RawReader(std::shared_ptr<const InputFile> file, Image known, const RawSamples& samples)
      : ImageReader(std::move(known)), file_(std::move(file)), samples_(samples) {
    const std::uint64_t have = file_->size() - std::min(file_->size(), samples_.offset);
    const std::uint64_t need = count() * sample_bytes(header().type);
    if (have < need) fail_ends_early(file_->name(), have, need, "samples");
  }

  void read(std::size_t first, std::span<float> values) override {
    constexpr std::size_t kStep = std::size_t{1} << 18;  // samples
    const std::size_t size = sample_bytes(header().type);
    std::vector<std::byte> stored(std::min(values.size(), kStep) * size);
    for (std::size_t done = 0; done < values.size(); done += kStep) {
      const std::span<float> part = values.subspan(done, std::min(kStep, values.size() - done));
      const std::span<std::byte> bytes = std::span(stored).first(part.size() * size);
      const std::uint64_t at = samples_.offset + (first * plane_samples() + done) * size;
      const std::size_t got = file_->read_at(at, bytes);
      if (got < bytes.size()) fail_ends_early(file_->name(), at + got, at + bytes.size(), "samples");
      decode_samples(bytes, header().type, samples_.swapped, {samples_.slope, samples_.intercept}, part);
    }
  }

 private:
  std::size_t count() const {
    try {
      return sample_count(header().axes);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}; the file is damaged", file_->name(), error.what()));
    }
  }

  std::shared_ptr<const InputFile> file_;
  RawSamples samples_;
};

}  // namespace

std::size_t ImageReader::plane_samples() const {
  return image_.axes[image_.axes.size() - 2].length * image_.axes.back().length;
}

std::size_t ImageReader::planes() const {
  return sample_count(image_.axes) / plane_samples();
}

Image ImageReader::read_all() {
  Image image = std::move(image_);
  image_.axes = image.axes;
  image_.type = image.type;
  image.values.resize(sample_count(image.axes));
  read(0, image.values);
  return image;
}

std::unique_ptr<ImageReader> reader_of(Image image) {
  return std::make_unique<MemoryReader>(std::move(image));
}

std::unique_ptr<ImageReader> raw_reader(std::shared_ptr<const InputFile> file, Image header,
                                        const RawSamples& samples) {
  return std::make_unique<RawReader>(std::move(file), std::move(header), samples);
}

}  // namespace n2s
