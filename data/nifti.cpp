// See nifti.h. Voxels are converted in pieces of 1 MiB, so that a damaged size is found out before much is allocated.
#include "data/nifti.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "data/atomic_file.h"
#include "data/nifti_header.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // bytes; a multiple of every sample's size
constexpr std::string_view kAxisOrder = "CTZYX";

struct TypeCode {
  int code;
  SampleType type;
};
constexpr std::array<TypeCode, 10> kTypeCodes = {{{2, SampleType::uint8},
                                                  {4, SampleType::int16},
                                                  {8, SampleType::int32},
                                                  {16, SampleType::float32},
                                                  {64, SampleType::float64},
                                                  {256, SampleType::int8},
                                                  {512, SampleType::uint16},
                                                  {768, SampleType::uint32},
                                                  {1024, SampleType::int64},
                                                  {1280, SampleType::uint64}}};

SampleType type_of_code(const std::string& name, int code) {
  for (const TypeCode& entry : kTypeCodes)
    if (entry.code == code) return entry.type;
  const char* what = code == 32 || code == 1792 || code == 2048 ? "complex"
                     : code == 128 || code == 2304              ? "RGB"
                     : code == 1536                             ? "128-bit float"
                     : code == 1                                ? "1-bit"
                                                                : "unknown";
  throw Error(
      fmt::format("{}: holds {} samples (NIfTI type {}); convert it to an integer or float type", name, what, code));
}

int code_of_type(SampleType type) {
  return std::find_if(kTypeCodes.begin(), kTypeCodes.end(), [&](const TypeCode& e) { return e.type == type; })->code;
}

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

double seconds_per_unit(int units) {
  const int time = units & 0x38;
  return time == 16 ? 1e-3 : time == 24 ? 1e-6 : 1;
}

std::string space_unit(int units) {
  const int space = units & 7;
  return space == 1 ? "m" : space == 2 ? "mm" : space == 3 ? "micron" : "";
}

double usable_spacing(double pixdim) {
  const double spacing = std::abs(pixdim);
  return std::isfinite(spacing) && spacing > 0 ? spacing : 1;
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
    axes.push_back({kAxisOrder[5 - i], static_cast<std::size_t>(fields.dim[i]),
                    i == 5 ? 1 : usable_spacing(fields.pixdim[i] * scale)});
  }
  return axes;
}

Scaling scaling_of(const NiftiFields& fields) {
  if (!std::isfinite(fields.slope) || fields.slope == 0) return {};
  return {fields.slope, std::isfinite(fields.intercept) ? fields.intercept : 0};
}

void read_voxels(NiftiStream& stream, const InputFile& file, Image& image, std::size_t count) {
  const std::size_t size = sample_bytes(image.type), need = count * size;
  std::vector<std::byte> piece(std::min(need, kPiece));
  const Scaling scaling = {image.slope, image.intercept};
  check_memory(file.name(), count * sizeof(float));
  image.values.reserve(count);
  for (std::size_t done = 0; done < need;) {
    const std::span<std::byte> part = std::span(piece).first(std::min(need - done, kPiece));
    const std::size_t got = stream.read(part);
    if (got < part.size()) fail_ends_early(file.name(), done + got, need, "voxels");
    image.values.resize((done + got) / size);
    decode_samples(part, image.type, image.nifti->swapped, scaling, std::span(image.values).last(part.size() / size));
    done += got;
  }
  stream.read_to_end();
}

}  // namespace

Image read_nifti(const InputFile& file) {
  std::array<std::byte, 2> magic{};
  file.read_at(0, magic);
  const bool gzipped = magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b};
  NiftiStream stream(file);
  Image image;
  image.nifti.emplace();
  const NiftiFields fields = read_header(stream, file, *image.nifti);
  image.axes = axes_of(file.name(), fields);
  image.type = type_of_code(file.name(), fields.datatype);
  image.unit = space_unit(fields.units);
  const Scaling scaling = scaling_of(fields);
  image.slope = scaling.slope;
  image.intercept = scaling.intercept;

  const std::size_t count = sample_count(image.axes), need = count * sample_bytes(image.type);
  const auto start = static_cast<std::uint64_t>(fields.vox_offset);
  if (!gzipped && file.size() - std::min(file.size(), start) < need)
    fail_ends_early(file.name(), file.size() - std::min(file.size(), start), need, "voxels");
  if (gzipped) check_expansion(file.name(), file.size(), need, 1040);
  read_voxels(stream, file, image, count);
  return image;
}

namespace {

// Appends to the file, through deflate where the name ends in .gz.
class NiftiSink {
 public:
  NiftiSink(AtomicFile& file, bool gzipped) : file_(file), gzipped_(gzipped) {
    // Level 1, as nibabel has it: higher levels gain little on voxels with noise. 15 + 16 asks for a gzip header.
    if (gzipped_ && ::deflateInit2(&stream_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~NiftiSink() {
    if (gzipped_) ::deflateEnd(&stream_);
  }
  NiftiSink(const NiftiSink&) = delete;
  NiftiSink& operator=(const NiftiSink&) = delete;

  void write(std::span<const std::byte> bytes, bool last) {
    if (!gzipped_) return file_.write(bytes);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      ::deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      file_.write(std::span(buffer_).first(buffer_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

 private:
  AtomicFile& file_;
  bool gzipped_;
  z_stream stream_ = {};
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 16);
};

// "nm" is not one of NIfTI's units: it is written as micrometres.
int unit_code(const std::string& unit) {
  return unit == "m" ? 1 : unit == "mm" ? 2 : unit.empty() ? 0 : 3;
}

NiftiFields output_fields(const std::filesystem::path& path, const Image& image, NiftiHeader& header) {
  const bool large = std::any_of(image.axes.begin(), image.axes.end(), [](const Axis& a) { return a.length > 32767; });
  const bool kept = image.nifti && (!large || image.nifti->bytes.size() >= 540);
  header = kept ? *image.nifti : new_nifti_header(large ? 2 : 1);
  NiftiFields fields = parse_nifti_header(path.string(), header);
  if (large && fields.version == 1) {
    header = new_nifti_header(2);
    fields = parse_nifti_header(path.string(), header);
  }
  fields.vox_offset = static_cast<std::int64_t>(header.bytes.size());
  if (!kept) fields.units = unit_code(image.unit) | 8;
  fields.dim.fill(1);
  for (const Axis& axis : image.axes) {
    const auto number = 5 - kAxisOrder.find(axis.name);
    fields.dim[number] = static_cast<std::int64_t>(axis.length);
    fields.dim[0] = std::max(fields.dim[0], static_cast<std::int64_t>(number));
    double spacing = axis.spacing;
    if (axis.name == 'T') spacing /= seconds_per_unit(fields.units);
    if (axis.name != 'T' && image.unit == "nm") spacing /= 1000;
    // A kept spacing stays as it is, sign and last bit.
    if (std::abs(usable_spacing(fields.pixdim[number]) - spacing) > 1e-6 * spacing || fields.pixdim[number] == 0)
      fields.pixdim[number] = spacing;
  }
  return fields;
}

}  // namespace

void write_nifti(const std::filesystem::path& path, const Image& given, const WriteOptions& options) {
  Image storage;
  const Image& image = arranged(given, kAxisOrder, storage);
  NiftiHeader header;
  NiftiFields fields = output_fields(path, image, header);
  const SampleType type = options.type.value_or(image.type);
  Scaling scaling;
  if (is_integer(type) && !options.type && std::isfinite(image.slope) && image.slope != 0)
    scaling = {image.slope, image.intercept};
  const Scaling kept = scaling_of(fields);
  if (kept.slope != scaling.slope || kept.intercept != scaling.intercept) {
    fields.slope = scaling.slope;
    fields.intercept = scaling.intercept;
  }
  fields.datatype = code_of_type(type);
  fields.bitpix = static_cast<int>(8 * sample_bytes(type));
  update_nifti_header(header, fields);

  const std::string extension = path.extension().string();
  AtomicFile file(path, options.overwrite);
  NiftiSink sink(file, extension == ".gz" || extension == ".GZ" || extension == ".Gz");
  sink.write(std::as_bytes(std::span(header.bytes)), false);
  const std::size_t size = sample_bytes(type), step = kPiece / size;
  std::vector<std::byte> piece(std::min(step, image.values.size()) * size);
  for (std::size_t done = 0; done < image.values.size(); done += step) {
    const auto part = std::span(image.values).subspan(done, std::min(step, image.values.size() - done));
    const auto stored = std::span(piece).first(part.size() * size);
    encode_samples(part, type, header.swapped, scaling, stored);
    sink.write(stored, done + part.size() == image.values.size());
  }
  file.commit();
}

}  // namespace n2s
