// See image.h: sample types, axes, and the choice of the format.
#include "data/image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "data/atomic_file.h"
#include "data/formats/formats.h"
#include "data/formats/image_sequence.h"
#include "data/formats/other_formats.h"
#include "data/formats/zarr_array.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"
#include "data/lent_arrays.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::array<std::string_view, 11> kTypeNames = {"uint8",  "int8",  "uint16",  "int16",   "uint32", "int32",
                                                         "uint64", "int64", "float16", "float32", "float64"};

[[noreturn]] void fail_unknown(const InputFile& file) {
  if (const std::string other = describe_other_format(file); !other.empty())
    throw Error(fmt::format("{}: this is {}", file.name(), other));
  const char* hint = format_of_name(file.name()) != nullptr
                         ? "its content is not what its name says; it is damaged or another kind of file"
                         : "convert it to one of these";
  throw Error(fmt::format("{}: not a {} file: {}", file.name(), format_names(), hint));
}

std::unique_ptr<ImageReader> open_format(const std::filesystem::path& path, const ReadOptions& options) {
  const auto file = std::make_shared<const InputFile>(path);
  const Format* format = format_of_content(*file);
  if (format == nullptr) fail_unknown(*file);
  if (!options.dataset.empty() && !format->has_datasets)
    throw Error(fmt::format("{}: dataset '{}' was requested, but {} files have no datasets; leave it out", file->name(),
                            options.dataset, format->name));
  if (!options.axes.empty() && !format->may_lack_axes)
    throw Error(fmt::format("{}: --axes {} was given, but {} files name their axes themselves; leave it out",
                            file->name(), options.axes, format->name));
  if (options.series && !format->has_series)
    throw Error(fmt::format("{}: --series {} was given, but {} files have no series; leave it out", file->name(),
                            *options.series, format->name));
  std::unique_ptr<ImageReader> reader;
  try {
    reader = format->open(file, options);
  } catch (const Error& error) {  // of what readers share, which does not know the file
    if (std::string_view(error.what()).find(file->name()) != std::string_view::npos) throw;
    throw Error(fmt::format("{}: {}", file->name(), error.what()));
  }
  if (format->medical) reader->set_medical();
  return reader;
}

/// Runs `work`; where memory does not suffice, the message names the file.
template <class Work>
auto with_memory(const std::filesystem::path& path, Work&& work) {
  const char* problem = "it does not fit in this machine's memory; cut it into smaller files";
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw Error(fmt::format("{}: {}", path.string(), problem));
  } catch (const std::length_error&) {
    throw Error(fmt::format("{}: {}", path.string(), problem));
  }
}

}  // namespace

Image without_values(const Image& image) {
  Image header;
  header.axes = image.axes;
  header.type = image.type;
  header.unit = image.unit;
  header.colour = image.colour;
  header.slope = image.slope;
  header.intercept = image.intercept;
  header.header = image.header;
  header.medical = image.medical;
  header.axes_told = image.axes_told;
  return header;
}

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
  return type != SampleType::float16 && type != SampleType::float32 && type != SampleType::float64;
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

namespace {

/// YX or ZYX; lengths of 1 in excess do not count. Empty: more dimensions than that.
std::string conventional_names(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> long_ones;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] > 1) long_ones.push_back(i);
  if (shape.size() == 2 || shape.size() == 3) return shape.size() == 2 ? "YX" : "ZYX";
  if (long_ones.size() < 2 || long_ones.size() > 3 || shape.size() > 5) return "";
  std::string names(shape.size(), ' ');
  for (std::size_t i = 0; i < long_ones.size(); ++i) names[long_ones[long_ones.size() - 1 - i]] = "XYZ"[i];
  for (const char spare : long_ones.size() == 2 ? std::string("ZTC") : std::string("TC"))
    if (const auto place = names.rfind(' '); place != std::string::npos) names[place] = spare;
  return names;
}

/// The axes' names as they are, but Y and X last.
std::string plane_order(const std::vector<Axis>& axes) {
  std::string order;
  for (const Axis& axis : axes)
    if (axis.name != 'Y' && axis.name != 'X') order += axis.name;
  return order + "YX";
}

}  // namespace

std::vector<Axis> named_axes(const std::string& name, const std::vector<std::size_t>& shape,
                             const std::string& requested, const std::string& own) {
  std::string letters = requested.empty() ? own : requested;
  std::transform(letters.begin(), letters.end(), letters.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (letters.empty()) letters = conventional_names(shape);
  if (letters.empty())
    throw Error(
        fmt::format("{}: an array of {} dimensions ({}) without names; say what they are, slowest first, with --axes, "
                    "such as --axes {}",
                    name, shape.size(), fmt::join(shape, ", "), shape.size() < 5 ? "CZYX" : "TCZYX"));
  std::string sorted = letters;
  std::sort(sorted.begin(), sorted.end());
  const bool known = sorted.find_first_not_of("TCZYX") == std::string::npos;
  const bool unique = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  const bool planes = sorted.find('Y') != std::string::npos && sorted.find('X') != std::string::npos;
  if (letters.size() != shape.size() || !known || !unique || !planes)
    throw Error(
        fmt::format("{}: axes {} do not fit an array of {} dimensions ({}): name each once, out of T, C, Z, Y "
                    "and X, with Y and X among them",
                    name, requested.empty() ? own : requested, shape.size(), fmt::join(shape, ", ")));
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < shape.size(); ++i) axes.push_back({letters[i], shape[i], 1});
  return axes;
}

void put_plane_axes_last(Image& image) {
  Image storage;
  if (&arranged(image, plane_order(image.axes), storage) == &storage) image = std::move(storage);
}

std::unique_ptr<ImageReader> open_image(const std::filesystem::path& path, const ReadOptions& options) {
  if (const LentArray* array = lent_array(path)) return lent_reader(path.string(), *array, options);
  return with_memory(path, [&] {
    const std::vector<std::filesystem::path> planes =
        is_zarr_folder(path) ? std::vector<std::filesystem::path>{} : image_sequence(path);
    return planes.empty() ? open_format(path, options) : open_image_sequence(path, planes, options);
  });
}

Image read_image(const std::filesystem::path& path, const ReadOptions& options) {
  return with_memory(path, [&] {
    const std::unique_ptr<ImageReader> reader = open_image(path, options);
    check_memory(path.string(), sample_count(reader->image().axes) * sizeof(float));
    return reader->read_all();
  });
}

void check_image_extension(const std::filesystem::path& path) {
  if (format_of_name(path) == nullptr && lent_array(path) == nullptr)
    throw Error(fmt::format("{}: cannot tell the format; end the name in {}", path.string(), format_extensions()));
}

SampleType written_type(const std::filesystem::path& path, const Image& header, const WriteOptions& options) {
  check_image_extension(path);
  if (const LentArray* array = lent_array(path)) return array->type;
  const Format& format = *format_of_name(path);
  const SampleType type = options.type.value_or(header.type);
  const bool is_scaled = !options.type && !Scaling{header.slope, header.intercept}.is_identity();
  if (is_scaled && is_integer(type) && !format.scaling) return SampleType::float32;
  return type == SampleType::float16 && !format.float16 ? SampleType::float32 : type;
}

void check_image_fits(const std::filesystem::path& path, const Image& header, const WriteOptions& options) {
  const SampleType type = written_type(path, header, options);
  if (const LentArray* array = lent_array(path)) {
    if (options.type && *options.type != array->type)
      throw Error(fmt::format("{}: an array of {}, not of {}; lend one of the type that the result is to have",
                              path.string(), sample_type_name(array->type), sample_type_name(*options.type)));
    return;
  }
  const Format& format = *format_of_name(path);
  const auto lacks = [&](const Axis& axis) {
    return axis.length > 1 && format.axes.find(axis.name) == std::string_view::npos;
  };
  if (std::any_of(header.axes.begin(), header.axes.end(), lacks))
    throw Error(fmt::format("{}: {} cannot hold {}; write .tif, .nii.gz or .h5", path.string(), format.name,
                            describe_axes(header.axes)));
  if (!format.types.empty() && std::find(format.types.begin(), format.types.end(), type) == format.types.end())
    throw Error(fmt::format("{}: {} cannot hold samples of type {}; write .tif", path.string(), format.name,
                            sample_type_name(type)));
}

std::unique_ptr<ImageWriter> create_image(const std::filesystem::path& path, Image header,
                                          const WriteOptions& options) {
  check_image_extension(path);
  check_output_path(path, options.overwrite);
  check_image_fits(path, header, options);
  if (const LentArray* array = lent_array(path)) return lent_writer(path.string(), *array, std::move(header));
  const Format& format = *format_of_name(path);
  WriteOptions written = options;
  const SampleType type = written_type(path, header, options);
  if (type != header.type) written.type = type;
  return format.create(path, std::move(header), written);
}

void write_image(const std::filesystem::path& path, const Image& image, const WriteOptions& options) {
  check_image_extension(path);
  check_output_path(path, options.overwrite);
  if (image.axes.empty() || image.values.size() != sample_count(image.axes))
    throw Error(
        fmt::format("{}: {} values do not fill {}", path.string(), image.values.size(), describe_axes(image.axes)));
  if (!find_axis(image.axes, 'Y') || !find_axis(image.axes, 'X'))
    throw Error(fmt::format("{}: images have rows and columns, not only {}", path.string(), describe_axes(image.axes)));
  Image storage;
  const Image& planes = arranged(image, plane_order(image.axes), storage);
  Image header = without_values(planes);
  const std::unique_ptr<ImageWriter> writer = create_image(path, std::move(header), options);
  writer->write_all(planes.values);
  writer->commit();
}

}  // namespace n2s
