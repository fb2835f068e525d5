// See metaimage.h.
#include "data/formats/metaimage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "data/formats/sample_file.h"
#include "data/raw_writer.h"
#include "data/text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

struct ElementType {
  SampleType type;
  std::string_view name;
};
constexpr std::array<ElementType, 10> kElementTypes = {{{SampleType::uint8, "MET_UCHAR"},
                                                        {SampleType::int8, "MET_CHAR"},
                                                        {SampleType::uint16, "MET_USHORT"},
                                                        {SampleType::int16, "MET_SHORT"},
                                                        {SampleType::uint32, "MET_UINT"},
                                                        {SampleType::int32, "MET_INT"},
                                                        {SampleType::uint64, "MET_ULONG_LONG"},
                                                        {SampleType::int64, "MET_LONG_LONG"},
                                                        {SampleType::float32, "MET_FLOAT"},
                                                        {SampleType::float64, "MET_DOUBLE"}}};

/// The lines up to ElementDataFile, which is the last one; `end` is where the samples of a single file begin.
MetaImageHeader read_metaimage_header(const InputFile& file, std::uint64_t& end) {
  constexpr std::size_t kLongest = 1 << 16;  // bytes
  std::string text(std::min<std::uint64_t>(file.size(), kLongest), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  MetaImageHeader header;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, stop - at);
    const std::size_t equals = line.find('=');
    at = stop + 1;
    if (equals == std::string_view::npos) continue;
    header.lines.emplace_back(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
    end = at;
    if (header.lines.back().first == "ElementDataFile") return header;
  }
  throw Error(fmt::format("{}: its header has no ElementDataFile; the file is damaged", file.name()));
}

std::string value_of(const MetaImageHeader& header, std::string_view key) {
  const auto found =
      std::find_if(header.lines.begin(), header.lines.end(), [&](const auto& l) { return l.first == key; });
  return found == header.lines.end() ? "" : found->second;
}

bool is_true(const MetaImageHeader& header, std::string_view key) {
  const std::string value = value_of(header, key);
  return !value.empty() && (value[0] == 'T' || value[0] == 't' || value[0] == '1');
}

template <typename T>
std::vector<T> numbers_of(const MetaImageHeader& header, std::string_view key) {
  std::istringstream text(value_of(header, key));
  std::vector<T> numbers;
  for (T number{}; text >> number;) numbers.push_back(number);
  return numbers;
}

SampleType type_of(const std::string& name, const MetaImageHeader& header) {
  std::string text = value_of(header, "ElementType");
  if (const auto array = text.find("_ARRAY"); array != std::string::npos) text.erase(array);
  if (text == "MET_LONG") text = "MET_INT";  // 32 bits, as ITK writes it
  if (text == "MET_ULONG") text = "MET_UINT";
  const auto found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                  [&](const ElementType& type) { return type.name == text; });
  if (found != kElementTypes.end()) return found->type;
  throw Error(fmt::format("{}: samples of type '{}' cannot be read; convert them to one of 8 to 64 bits", name, text));
}

/// Slowest first; channels are the fastest.
std::vector<Axis> axes_of(const std::string& name, MetaImageHeader& header, const std::string& requested) {
  std::vector<std::size_t> shape = numbers_of<std::size_t>(header, "DimSize");
  const std::vector<std::size_t> dimensions = numbers_of<std::size_t>(header, "NDims");
  if (dimensions.size() != 1 || dimensions[0] != shape.size() || shape.size() < 2 || shape.size() > 4 ||
      std::count(shape.begin(), shape.end(), std::size_t{0}) > 0)
    throw Error(fmt::format("{}: NDims {} and DimSize '{}' are no image of 2 to 4 dimensions", name,
                            value_of(header, "NDims"), value_of(header, "DimSize")));
  std::vector<double> spacing = numbers_of<double>(header, "ElementSpacing");
  if (spacing.empty()) spacing = numbers_of<double>(header, "ElementSize");
  spacing.resize(shape.size(), 1);
  std::reverse(shape.begin(), shape.end());
  std::reverse(spacing.begin(), spacing.end());
  std::vector<Axis> axes = named_axes(name, shape, requested);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    header.axes.insert(header.axes.begin(), axes[i].name);
    const bool usable = std::isfinite(spacing[i]) && spacing[i] > 0 && axes[i].name != 'C';
    if (usable) axes[i].spacing = spacing[i];
  }
  const std::vector<std::size_t> channels = numbers_of<std::size_t>(header, "ElementNumberOfChannels");
  if (!channels.empty() && channels[0] > 1) {
    if (find_axis(axes, 'C')) throw Error(fmt::format("{}: has channels twice; give --axes without C", name));
    axes.push_back({'C', channels[0], 1});
  }
  return axes;
}

void check_readable(const std::string& name, const MetaImageHeader& header, const std::string& data_file) {
  const std::string binary = value_of(header, "BinaryData");
  if (!binary.empty() && !is_true(header, "BinaryData"))
    throw Error(fmt::format("{}: its samples are text; save it with BinaryData = True", name));
  if (data_file.starts_with("LIST") || data_file.find('%') != std::string::npos)
    throw Error(fmt::format("{}: its samples are in a list of files; save them in one", name));
}

class MetaImageWriter final : public RawWriter {
 public:
  MetaImageWriter(const std::filesystem::path& path, Image header, const WriteOptions& options)
      : RawWriter(path, header, "TZCYX", options, options.type.value_or(header.type), false) {
    const std::string text = header_text();
    write_at(0, std::as_bytes(std::span(text)));
    set_offset(text.size());
  }

 private:
  /// Lines that describe the geometry are kept where the file's axes are.
  std::string header_text() const {
    std::string names;  // fastest first
    std::vector<std::size_t> sizes;
    std::vector<double> spacings;
    for (auto axis = image().axes.rbegin(); axis != image().axes.rend(); ++axis) {
      names += axis->name;
      sizes.push_back(axis->length);
      spacings.push_back(axis->spacing);
    }
    const auto* kept = kept_header<MetaImageHeader>(image());
    std::string text = fmt::format(
        "ObjectType = Image\nNDims = {}\nBinaryData = True\nBinaryDataByteOrderMSB = {}\n"
        "CompressedData = False\n",
        sizes.size(), std::endian::native == std::endian::big ? "True" : "False");
    constexpr std::array<std::string_view, 5> kGeometry = {"TransformMatrix", "Offset", "Position", "CenterOfRotation",
                                                           "AnatomicalOrientation"};
    if (kept != nullptr && kept->axes == names)
      for (const auto& [key, value] : kept->lines)
        if (std::find(kGeometry.begin(), kGeometry.end(), key) != kGeometry.end())
          text += fmt::format("{} = {}\n", key, value);
    const auto known = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                    [&](const ElementType& t) { return t.type == type(); });
    return text + fmt::format("ElementSpacing = {}\nDimSize = {}\nElementType = {}\nElementDataFile = LOCAL\n",
                              fmt::join(spacings, " "), fmt::join(sizes, " "), known->name);
  }
};

}  // namespace

bool is_metaimage(const InputFile& file) {
  std::string text(std::min<std::uint64_t>(file.size(), 4096), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  const auto has_line = [&](std::string_view start) {
    return text.starts_with(start) || text.find(fmt::format("\n{}", start)) != std::string::npos;
  };
  return has_line("NDims") && has_line("DimSize");
}

std::unique_ptr<ImageReader> open_metaimage(std::shared_ptr<const InputFile> file, const ReadOptions& options) {
  std::uint64_t end = 0;
  auto header = std::make_shared<MetaImageHeader>(read_metaimage_header(*file, end));
  const std::string data_file = value_of(*header, "ElementDataFile");
  check_readable(file->name(), *header, data_file);
  Image image;
  image.type = type_of(file->name(), *header);
  image.unit = "mm";
  image.axes = axes_of(file->name(), *header, options.axes);
  image.header = header;
  SampleFile samples;
  samples.file =
      data_file == "LOCAL" || data_file == "Local" || data_file == "local" ? file : open_beside(*file, data_file);
  samples.offset = samples.file == file ? end : 0;
  samples.deflated = is_true(*header, "CompressedData");
  const bool big = is_true(*header, "BinaryDataByteOrderMSB") || is_true(*header, "ElementByteOrderMSB");
  samples.swapped = big == (std::endian::native == std::endian::little);
  const std::vector<long> skipped = numbers_of<long>(*header, "HeaderSize");
  if (!skipped.empty() && skipped[0] > 0) samples.offset += static_cast<std::uint64_t>(skipped[0]);
  const std::uint64_t bytes = sample_count(image.axes) * sample_bytes(image.type);
  if (!skipped.empty() && skipped[0] < 0) samples.offset = samples.file->size() - std::min(samples.file->size(), bytes);
  return sample_reader(samples, std::move(image));
}

std::unique_ptr<ImageWriter> create_metaimage(const std::filesystem::path& path, Image header,
                                              const WriteOptions& options) {
  return std::make_unique<MetaImageWriter>(path, std::move(header), options);
}

}  // namespace n2s
