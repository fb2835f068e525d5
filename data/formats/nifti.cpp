// See nifti.h: the reader.
#include "data/formats/nifti.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "data/formats/nifti_header.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;  // a multiple of every sample's size

// Reads plain and gzipped files alike.
class NiftiStream {
 public:
  explicit NiftiStream(const InputFile& file) : name_(file.name()) {
    const int copy = ::dup(file.descriptor());
    if (copy >= 0) ::lseek(copy, 0, SEEK_SET);
    file_.reset(copy < 0 ? nullptr : ::gzdopen(copy, "rb"));
    if (file_ == nullptr) {
      if (copy >= 0) ::close(copy);
      throw Error(fmt::format("{}: cannot open: no memory or descriptors left", name_));
    }
    ::gzbuffer(file_.get(), 1 << 17);
  }

  // Returns fewer bytes than asked for only where the file ends; a bad checksum or code is an Error.
  std::size_t read(std::span<std::byte> into) {
    const int got = ::gzread(file_.get(), into.data(), static_cast<unsigned>(into.size()));
    int code = Z_OK;
    const char* text = ::gzerror(file_.get(), &code);
    if (got < 0 && code != Z_BUF_ERROR)
      throw Error(fmt::format("{}: damaged gzip data ({}); copy or download it again", name_, text));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }

  // Where gzip data ends, its checksum is compared: without this, damage near the end would go unnoticed.
  void read_to_end() {
    std::vector<std::byte> rest(1 << 16);
    for (std::size_t total = 0; total < (std::size_t{64} << 20);) {
      const std::size_t got = read(rest);
      if (got == 0) break;
      total += got;
    }
    int code = Z_OK;
    ::gzerror(file_.get(), &code);
    if (code == Z_BUF_ERROR)
      throw Error(
          fmt::format("{}: the file ends early (its gzip checksum is missing); copy or download it again", name_));
  }

 private:
  struct Close {
    void operator()(gzFile file) const { ::gzclose(file); }
  };
  std::string name_;
  std::unique_ptr<std::remove_pointer_t<gzFile>, Close> file_;
};

void read_header_bytes(NiftiStream& stream, const std::string& name, std::vector<unsigned char>& bytes,
                       std::size_t size) {
  const std::size_t before = bytes.size();
  if (size <= before) return;
  bytes.resize(size);
  const std::size_t got = stream.read(std::as_writable_bytes(std::span(bytes).subspan(before)));
  if (before + got < size) fail_ends_early(name, before + got, size, "header");
}

NiftiFields read_header(NiftiStream& stream, const InputFile& file, NiftiHeader& header) {
  const std::string& name = file.name();
  read_header_bytes(stream, name, header.bytes, 4);
  const std::size_t size = nifti_header_size(header.bytes, header.swapped);
  if (size == 0) throw Error(fmt::format("{}: the gzip file does not hold a NIfTI volume", name));
  read_header_bytes(stream, name, header.bytes, size);
  NiftiFields fields = parse_nifti_header(name, header);
  if (fields.vox_offset == 0) fields.vox_offset = static_cast<std::int64_t>(size) + 4;  // some writers leave it out
  constexpr std::int64_t kLargestOffset = 64 << 20;
  if (fields.vox_offset < static_cast<std::int64_t>(size) || fields.vox_offset > kLargestOffset)
    throw Error(
        fmt::format("{}: the header says that voxels start at byte {}; it is damaged", name, fields.vox_offset));
  read_header_bytes(stream, name, header.bytes, static_cast<std::size_t>(fields.vox_offset));
  return fields;
}

std::string space_unit(int units) {
  const int space = units & 7;
  return space == 1 ? "m" : space == 2 ? "mm" : space == 3 ? "micron" : "";
}

std::vector<Axis> axes_of(const std::string& name, const NiftiFields& fields) {
  const std::int64_t count = fields.dim[0];
  if (count < 2 || count > 7)
    throw Error(fmt::format("{}: the header says {} dimensions; volumes with 2 to 5 can be read", name, count));
  std::vector<Axis> axes;
  for (auto i = static_cast<std::size_t>(count); i >= 1; --i) {
    if (fields.dim[i] < 1)
      throw Error(
          fmt::format("{}: the header says that dimension {} has {} voxels; it is damaged", name, i, fields.dim[i]));
    if (i > 5 && fields.dim[i] != 1)
      throw Error(fmt::format("{}: has {} dimensions; volumes with 2 to 5 can be read", name, count));
    if (i > 5) continue;
    const double scale = i == 4 ? seconds_per_unit(fields.units) : 1;
    axes.push_back({kNiftiAxisOrder[5 - i], static_cast<std::size_t>(fields.dim[i]),
                    i == 5 ? 1 : usable_spacing(fields.pixdim[i] * scale)});
  }
  return axes;
}

/// Voxels of a gzipped file come in their order; to go back is to begin again.
class GzipReader final : public ImageReader {
 public:
  GzipReader(std::shared_ptr<const InputFile> file, Image known, std::uint64_t start, bool swapped)
      : ImageReader(std::move(known)), file_(std::move(file)), start_(start), swapped_(swapped) {}

  void read(std::size_t first, std::span<float> values) override {
    const std::size_t size = sample_bytes(header().type);
    const std::uint64_t begin = start_ + first * plane_samples() * size;
    if (!stream_ || begin < position_) {
      stream_ = std::make_unique<NiftiStream>(*file_);
      position_ = 0;
    }
    std::vector<std::byte> chunk(kChunkBytes);
    while (position_ < begin)
      read_bytes(std::span(chunk).first(std::min<std::uint64_t>(begin - position_, chunk.size())));
    const std::size_t step = kChunkBytes / size;
    for (std::size_t done = 0; done < values.size(); done += step) {
      const std::span<float> part = values.subspan(done, std::min(step, values.size() - done));
      const std::span<std::byte> bytes = std::span(chunk).first(part.size() * size);
      read_bytes(bytes);
      decode_samples(bytes, header().type, swapped_, {header().slope, header().intercept}, part);
    }
    if (position_ == start_ + sample_count(header().axes) * size) stream_->read_to_end();
  }

 private:
  void read_bytes(std::span<std::byte> into) {
    const std::size_t got = stream_->read(into);
    position_ += got;
    const std::uint64_t need = sample_count(header().axes) * sample_bytes(header().type);
    if (got < into.size()) fail_ends_early(file_->name(), position_ - std::min(position_, start_), need, "voxels");
  }

  std::shared_ptr<const InputFile> file_;
  std::uint64_t start_;
  bool swapped_;
  std::unique_ptr<NiftiStream> stream_;
  std::uint64_t position_ = 0;  // in the unpacked file: bytes
};

}  // namespace

bool is_nifti(const InputFile& file) {
  using namespace std::string_view_literals;
  return file.has_any({"\x1f\x8b"sv, "\x5c\x01\0\0"sv, "\0\0\x01\x5c"sv, "\x1c\x02\0\0"sv, "\0\0\x02\x1c"sv});
}

std::unique_ptr<ImageReader> open_nifti(std::shared_ptr<const InputFile> file, const ReadOptions&) {
  std::array<std::byte, 2> magic{};
  file->read_at(0, magic);
  const bool gzipped = magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
  NiftiStream stream(*file);
  Image image;
  auto header = std::make_shared<NiftiHeader>();
  const NiftiFields fields = read_header(stream, *file, *header);
  image.header = header;
  image.axes = axes_of(file->name(), fields);
  image.type = nifti_type(file->name(), fields.datatype);
  image.unit = space_unit(fields.units);
  const Scaling scaling = nifti_scaling(fields);
  image.slope = scaling.slope;
  image.intercept = scaling.intercept;

  const auto start = static_cast<std::uint64_t>(fields.vox_offset);
  if (!gzipped) return raw_reader(file, std::move(image), {start, header->swapped, scaling.slope, scaling.intercept});
  check_expansion(file->name(), file->size(), sample_count(image.axes) * sample_bytes(image.type), 1040);
  return std::make_unique<GzipReader>(file, std::move(image), start, header->swapped);
}

}  // namespace n2s
