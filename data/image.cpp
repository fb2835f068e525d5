// See image.h: sample types, axes, and the choice of the format.
#include "data/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "data/atomic_file.h"
#include "data/formats/hdf5.h"
#include "data/formats/nifti.h"
#include "data/formats/png.h"
#include "data/formats/tiff.h"
#include "data/input_file.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::array<std::string_view, 10> kTypeNames = {"uint8", "int8",   "uint16", "int16",   "uint32",
                                                         "int32", "uint64", "int64",  "float32", "float64"};

enum class Format { nifti, tiff, png, hdf5 };

std::optional<Format> format_of_name(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
  if (name.ends_with(".nii") || name.ends_with(".nii.gz")) return Format::nifti;
  if (name.ends_with(".tif") || name.ends_with(".tiff")) return Format::tiff;
  if (name.ends_with(".png")) return Format::png;
  if (name.ends_with(".h5") || name.ends_with(".hdf5")) return Format::hdf5;
  return std::nullopt;
}

std::optional<Format> format_of_content(const InputFile& file) {
  using namespace std::string_view_literals;
  const auto starts = [&](std::uint64_t offset, std::string_view magic) {
    std::string bytes(magic.size(), '\0');
    return file.read_at(offset, std::as_writable_bytes(std::span(bytes))) == magic.size() && bytes == magic;
  };
  const auto starts_with_any = [&](std::initializer_list<std::string_view> magics) {
    return std::any_of(magics.begin(), magics.end(), [&](std::string_view magic) { return starts(0, magic); });
  };
  if (starts(0, "\x89PNG\r\n\x1a\n"sv)) return Format::png;
  if (starts_with_any({"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})) return Format::tiff;
  // gzip, or the header's size: 348 (NIfTI-1) or 540 (NIfTI-2) in either byte order.
  if (starts_with_any({"\x1f\x8b"sv, "\x5c\x01\0\0"sv, "\0\0\x01\x5c"sv, "\x1c\x02\0\0"sv, "\0\0\x02\x1c"sv}))
    return Format::nifti;
  // HDF5 may follow a user block of 512, 1024, ... bytes.
  for (std::uint64_t offset = 0; offset <= 1 << 20; offset = offset == 0 ? 512 : offset * 2)
    if (starts(offset, "\x89HDF\r\n\x1a\n"sv)) return Format::hdf5;
  return std::nullopt;
}

[[noreturn]] void fail_unknown(const InputFile& file) {
  const char* hint = format_of_name(file.name())
                         ? "its content is not what its name says; it is damaged or another kind of file"
                         : "convert it to one of these";
  throw Error(fmt::format("{}: not a NIfTI, TIFF, PNG or HDF5 file: {}", file.name(), hint));
}

Image read_format(const std::filesystem::path& path, const ReadOptions& options) {
  const InputFile file(path);
  const std::optional<Format> format = format_of_content(file);
  if (!format) fail_unknown(file);
  if (!options.dataset.empty() && format != Format::hdf5)
    throw Error(
        fmt::format("{}: data set '{}' was asked for, but this is not an HDF5 file", file.name(), options.dataset));
  switch (*format) {
    case Format::nifti:
      return read_nifti(file);
    case Format::tiff:
      return read_tiff(file);
    case Format::png:
      return read_png(file);
    case Format::hdf5:
      break;
  }
  return read_hdf5(path, options.dataset);
}

}  // namespace

std::size_t sample_bytes(SampleType type) {
  return with_sample_type(type, []<class T>(std::type_identity<T>) { return sizeof(T); });
}

std::string_view sample_type_name(SampleType type) {
  return kTypeNames.at(static_cast<std::size_t>(type));
}

std::optional<SampleType> parse_sample_type(std::string_view name) {
  const auto found = std::find(kTypeNames.begin(), kTypeNames.end(), name);
  if (found == kTypeNames.end()) return std::nullopt;
  return static_cast<SampleType>(found - kTypeNames.begin());
}

bool is_integer(SampleType type) {
  return type != SampleType::float32 && type != SampleType::float64;
}

std::size_t sample_count(const std::vector<Axis>& axes) {
  // Bytes and offsets are computed from this count, also for doubles, so it has to stay well below 2^63.
  constexpr std::size_t kLargest = std::numeric_limits<std::ptrdiff_t>::max() / 16;
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    if (axis.length == 0) throw Error(fmt::format("an image with {} has no samples", describe_axes(axes)));
    if (count > kLargest / axis.length) throw Error(fmt::format("an image with {} is too large", describe_axes(axes)));
    count *= axis.length;
  }
  return count;
}

std::optional<std::size_t> find_axis(const std::vector<Axis>& axes, char name) {
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (axes[i].name == name) return i;
  return std::nullopt;
}

std::string describe_axes(const std::vector<Axis>& axes) {
  std::string text;
  for (const Axis& axis : axes) text += fmt::format("{}{}={}", text.empty() ? "" : " ", axis.name, axis.length);
  return text;
}

const Image& arranged(const Image& image, std::string_view order, Image& storage) {
  std::vector<std::size_t> picked;  // positions in image.axes, in the new order
  for (const char name : order)
    if (const auto axis = find_axis(image.axes, name)) picked.push_back(*axis);
  if (picked.size() != image.axes.size())
    throw Error(fmt::format("cannot arrange axes {} as {}", describe_axes(image.axes), order));
  if (std::is_sorted(picked.begin(), picked.end())) return image;

  std::vector<std::size_t> strides(picked.size(), 1);
  for (std::size_t i = picked.size(); i-- > 1;) strides[i - 1] = strides[i] * image.axes[i].length;
  storage = image;
  for (std::size_t i = 0; i < picked.size(); ++i) storage.axes[i] = image.axes[picked[i]];
  std::vector<std::size_t> position(picked.size(), 0);
  std::size_t from = 0;
  for (float& value : storage.values) {
    value = image.values[from];
    for (std::size_t i = picked.size(); i-- > 0;) {
      from += strides[picked[i]];
      if (++position[i] < storage.axes[i].length) break;
      from -= position[i] * strides[picked[i]];
      position[i] = 0;
    }
  }
  return storage;
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  const char* problem = "it does not fit in this machine's memory; cut it into smaller files";
  try {
    return read_format(path, options);
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: {}", path.string(), problem));
  } catch (const std::length_error&) {
    throw Error(fmt::format("{}: {}", path.string(), problem));
  }
}

void check_image_extension(const std::filesystem::path& path) {
  if (!format_of_name(path))
    throw Error(
        fmt::format("{}: cannot tell the format; end the name in .nii, .nii.gz, .tif, .png or .h5", path.string()));
}

void write_image(const std::filesystem::path& path, const Image& image, const WriteOptions& options) {
  check_image_extension(path);
  check_output_path(path, options.overwrite);
  if (image.axes.empty() || image.values.size() != sample_count(image.axes))
    throw Error(
        fmt::format("{}: {} values do not fill {}", path.string(), image.values.size(), describe_axes(image.axes)));
  switch (*format_of_name(path)) {
    case Format::nifti:
      return write_nifti(path, image, options);
    case Format::tiff:
      return write_tiff(path, image, options);
    case Format::png:
      return write_png(path, image, options);
    case Format::hdf5:
      return write_hdf5(path, image, options);
  }
}

}  // namespace n2s
