// See sample_file.h.
#include "data/formats/sample_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <utility>
#include <vector>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;  // bytes

/// Inflates a file from an offset on.
class InflateStream {
 public:
  InflateStream(const InputFile& file, std::uint64_t offset) : file_(&file), at_(offset) {
    constexpr int kGzipOrZlib = 15 + 32;
    if (::inflateInit2(&stream_, kGzipOrZlib) != Z_OK) throw std::bad_alloc();
  }
  ~InflateStream() { ::inflateEnd(&stream_); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  /// Returns fewer bytes than asked for only where the data ends.
  std::size_t read(std::span<std::byte> into) {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0 && !refill()) break;
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {  // gzip files may have several members
        if (stream_.avail_in == 0 && !refill()) break;
        ::inflateReset(&stream_);
        continue;
      }
      if (code != Z_OK && code != Z_BUF_ERROR)
        throw Error(fmt::format("{}: damaged compressed data ({}); copy or download it again", file_->name(),
                                stream_.msg != nullptr ? stream_.msg : "inflate"));
    }
    return into.size() - stream_.avail_out;
  }

 private:
  bool refill() {
    const std::size_t got = file_->read_at(at_, buffer_);
    at_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(got);
    return got > 0;
  }

  const InputFile* file_;
  std::uint64_t at_;
  z_stream stream_{};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kChunk);
};

/// Samples come in their order; to go back is to begin again.
class DeflatedReader final : public ImageReader {
 public:
  DeflatedReader(SampleFile samples, Image known) : ImageReader(std::move(known)), samples_(std::move(samples)) {
    const std::uint64_t need = sample_count(header().axes) * sample_bytes(header().type);
    check_expansion(samples_.file->name(), samples_.file->size(), need, 1040);
  }

  void read(std::size_t first, std::span<float> values) override {
    const std::size_t size = sample_bytes(header().type);
    const std::uint64_t begin = samples_.skip + first * plane_samples() * size;
    if (!stream_ || begin < position_) {
      stream_ = std::make_unique<InflateStream>(*samples_.file, samples_.offset);
      position_ = 0;
    }
    std::vector<std::byte> chunk(kChunk);
    while (position_ < begin) fill(std::span(chunk).first(std::min<std::uint64_t>(begin - position_, chunk.size())));
    const std::size_t step = kChunk / size;
    for (std::size_t done = 0; done < values.size(); done += step) {
      const std::span<float> part = values.subspan(done, std::min(step, values.size() - done));
      const std::span<std::byte> bytes = std::span(chunk).first(part.size() * size);
      fill(bytes);
      decode_samples(bytes, header().type, samples_.swapped, {}, part);
    }
  }

 private:
  void fill(std::span<std::byte> into) {
    const std::size_t got = stream_->read(into);
    position_ += got;
    const std::uint64_t need = samples_.skip + sample_count(header().axes) * sample_bytes(header().type);
    if (got < into.size()) fail_ends_early(samples_.file->name(), position_, need, "samples");
  }

  SampleFile samples_;
  std::unique_ptr<InflateStream> stream_;
  std::uint64_t position_ = 0;  // in the inflated data: bytes
};

}  // namespace

std::shared_ptr<const InputFile> open_beside(const InputFile& header, const std::string& name) {
  const std::filesystem::path path(name);
  const bool outside =
      path.is_absolute() || std::find(path.begin(), path.end(), std::filesystem::path("..")) != path.end();
  if (name.empty() || outside)
    throw Error(
        fmt::format("{}: its samples are in '{}', outside its folder; move both files into one folder and mend "
                    "the header",
                    header.name(), name));
  return std::make_shared<const InputFile>(std::filesystem::path(header.name()).parent_path() / path);
}

std::unique_ptr<ImageReader> sample_reader(const SampleFile& samples, Image header) {
  const std::vector<Axis> axes = header.axes;
  const bool planes = axes[axes.size() - 2].name == 'Y' && axes.back().name == 'X';
  sample_count(axes);
  std::unique_ptr<ImageReader> reader;
  if (samples.deflated)
    reader = std::make_unique<DeflatedReader>(samples, std::move(header));
  else
    reader = raw_reader(samples.file, std::move(header), {samples.offset, samples.swapped});
  if (planes) return reader;
  check_memory(samples.file->name(), sample_count(axes) * sizeof(float));
  Image whole = reader->read_all();
  put_plane_axes_last(whole);
  return reader_of(std::move(whole));
}

}  // namespace n2s
