// See nifti.h: the writer.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "data/atomic_file.h"
#include "data/formats/nifti.h"
#include "data/formats/nifti_header.h"
#include "data/raw_writer.h"
#include "data/samples.h"
#include "data/text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// Appends to the file, through deflate.
class GzipSink {
 public:
  explicit GzipSink(AtomicFile& file) : file_(file) {
    // Level 1, as nibabel has it: higher levels gain little on voxels with noise. 15 + 16 asks for a gzip header.
    if (::deflateInit2(&stream_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSink() { ::deflateEnd(&stream_); }
  GzipSink(const GzipSink&) = delete;
  GzipSink& operator=(const GzipSink&) = delete;

  void write(std::span<const std::byte> bytes, bool last) {
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

class NiftiWriter final : public RawWriter {
 public:
  NiftiWriter(const std::filesystem::path& path, Image header, const WriteOptions& options, const NiftiHeader& nifti,
              const Scaling& scaling)
      : RawWriter(path, header, kNiftiAxisOrder, options, options.type.value_or(header.type), nifti.swapped, scaling) {
    write_at(0, std::as_bytes(std::span(nifti.bytes)));
    set_offset(nifti.bytes.size());
  }
};

/// Planes in the order of the file, through deflate.
class GzipWriter final : public ImageWriter {
 public:
  GzipWriter(const std::filesystem::path& path, Image header, const WriteOptions& options, const NiftiHeader& nifti,
             const Scaling& scaling)
      : ImageWriter(std::move(header), kNiftiAxisOrder),
        file_(path, options.overwrite),
        sink_(file_),
        type_(options.type.value_or(image().type)),
        swapped_(nifti.swapped),
        scaling_(scaling),
        stored_(plane_samples() * sample_bytes(type_)) {
    sink_.write(std::as_bytes(std::span(nifti.bytes)), false);
  }

  bool in_order_only() const override { return true; }

  void commit() override {
    sink_.write({}, true);
    file_.commit();
  }

 private:
  void write_stored(std::size_t number, std::span<const float> plane) override {
    if (number != next_++) throw Error("planes of a gzipped volume must be written in their order");
    encode_samples(plane, type_, swapped_, scaling_, stored_);
    sink_.write(stored_, false);
  }

  AtomicFile file_;
  GzipSink sink_;
  SampleType type_;
  bool swapped_;
  Scaling scaling_;
  std::vector<std::byte> stored_;
  std::size_t next_ = 0;  // plane
};

}  // namespace

std::unique_ptr<ImageWriter> create_nifti(const std::filesystem::path& path, Image header,
                                          const WriteOptions& options) {
  NiftiHeader nifti;
  NiftiFields fields = output_fields(path, header, nifti);
  const SampleType type = options.type.value_or(header.type);
  Scaling scaling;
  if (is_integer(type) && !options.type && std::isfinite(header.slope) && header.slope != 0)
    scaling = {header.slope, header.intercept};
  const Scaling kept = nifti_scaling(fields);
  if (kept.slope != scaling.slope || kept.intercept != scaling.intercept) {
    fields.slope = scaling.slope;
    fields.intercept = scaling.intercept;
  }
  fields.datatype = nifti_code(type);
  fields.bitpix = static_cast<int>(8 * sample_bytes(type));
  update_nifti_header(nifti, fields);
  if (lower_case(path.extension().string()) == ".gz")
    return std::make_unique<GzipWriter>(path, std::move(header), options, nifti, scaling);
  return std::make_unique<NiftiWriter>(path, std::move(header), options, nifti, scaling);
}

}  // namespace n2s
