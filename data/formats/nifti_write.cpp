// See nifti.h: the writer.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "data/atomic_file.h"
#include "data/formats/nifti.h"
#include "data/formats/nifti_header.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;  // a multiple of every sample's size

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
  // NIfTI-1 has 16 bits for a length.
  const auto* old = kept_header<NiftiHeader>(image);
  const bool kept = old != nullptr && (!large || parse_nifti_header(path.string(), *old).version == 2);
  header = kept ? *old : new_nifti_header(large ? 2 : 1);
  NiftiFields fields = parse_nifti_header(path.string(), header);
  fields.vox_offset = static_cast<std::int64_t>(header.bytes.size());
  if (!kept) fields.units = unit_code(image.unit) | 8;
  fields.dim.fill(1);
  for (const Axis& axis : image.axes) {
    const auto number = 5 - kNiftiAxisOrder.find(axis.name);
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
  const Image& image = arranged(given, kNiftiAxisOrder, storage);
  NiftiHeader header;
  NiftiFields fields = output_fields(path, image, header);
  const SampleType type = options.type.value_or(image.type);
  Scaling scaling;
  if (is_integer(type) && !options.type && std::isfinite(image.slope) && image.slope != 0)
    scaling = {image.slope, image.intercept};
  const Scaling kept = nifti_scaling(fields);
  if (kept.slope != scaling.slope || kept.intercept != scaling.intercept) {
    fields.slope = scaling.slope;
    fields.intercept = scaling.intercept;
  }
  fields.datatype = nifti_code(type);
  fields.bitpix = static_cast<int>(8 * sample_bytes(type));
  update_nifti_header(header, fields);

  const std::string extension = path.extension().string();
  AtomicFile file(path, options.overwrite);
  NiftiSink sink(file, extension == ".gz" || extension == ".GZ" || extension == ".Gz");
  sink.write(std::as_bytes(std::span(header.bytes)), false);
  const std::size_t size = sample_bytes(type), step = kChunkBytes / size;
  std::vector<std::byte> chunk(std::min(step, image.values.size()) * size);
  for (std::size_t done = 0; done < image.values.size(); done += step) {
    const auto part = std::span(image.values).subspan(done, std::min(step, image.values.size() - done));
    const auto stored = std::span(chunk).first(part.size() * size);
    encode_samples(part, type, header.swapped, scaling, stored);
    sink.write(stored, done + part.size() == image.values.size());
  }
  file.commit();
}

}  // namespace n2s
