// See nrrd.h.
#include "data/formats/nrrd.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>

#include "data/formats/sample_file.h"
#include "data/raw_writer.h"
#include "data/text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kLongestHeader = 1 << 20;  // bytes
/// Fields with one word for each axis.
constexpr std::array<std::string_view, 8> kPerAxis = {"spacings", "thicknesses", "axis mins", "axis maxs",
                                                      "centers",  "labels",      "units",     "space directions"};
/// Fields that say how the samples are stored: written anew.
constexpr std::array<std::string_view, 13> kStorage = {"type",      "dimension", "sizes",     "encoding",  "endian",
                                                       "data file", "datafile",  "kinds",     "line skip", "lineskip",
                                                       "byte skip", "byteskip",  "block size"};

struct TypeName {
  SampleType type;
  std::string_view name;  // as it is written
  std::array<std::string_view, 5> others;
};
constexpr std::array<TypeName, 10> kTypes = {
    {{SampleType::uint8, "uint8", {"uchar", "unsigned char", "uint8_t"}},
     {SampleType::int8, "int8", {"signed char", "int8_t"}},
     {SampleType::uint16, "uint16", {"ushort", "unsigned short", "unsigned short int", "uint16_t"}},
     {SampleType::int16, "int16", {"short", "short int", "signed short", "signed short int", "int16_t"}},
     {SampleType::uint32, "uint32", {"uint", "unsigned int", "uint32_t"}},
     {SampleType::int32, "int32", {"int", "signed int", "int32_t"}},
     {SampleType::uint64, "uint64", {"ulonglong", "unsigned long long", "unsigned long long int", "uint64_t"}},
     {SampleType::int64, "int64", {"longlong", "long long", "long long int", "signed long long", "int64_t"}},
     {SampleType::float32, "float", {}},
     {SampleType::float64, "double", {}}}};

/// `end`: where the samples of a single file begin.
NrrdHeader header_of(const InputFile& file, std::uint64_t& end) {
  std::string text(std::min<std::uint64_t>(file.size(), kLongestHeader), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  NrrdHeader header;
  bool complete = false;
  for (std::size_t at = 0; at < text.size() && !complete;) {
    const std::size_t stop = text.find('\n', at);
    const std::string line = trimmed(std::string_view(text).substr(at, stop - at));
    const bool magic = at == 0;
    at = stop == std::string::npos ? text.size() : stop + 1;
    end = at;
    complete = line.empty();
    if (complete || magic || line[0] == '#') continue;
    if (const auto pair = line.find(":="); pair != std::string::npos) {
      header.pairs.push_back(line);
    } else if (const auto field = line.find(": "); field != std::string::npos) {
      header.fields.emplace_back(lower_case(line.substr(0, field)), trimmed(std::string_view(line).substr(field + 2)));
    } else if (!line.ends_with(':')) {
      throw Error(fmt::format("{}: the header has a line that is no field: '{}'; it is damaged", file.name(),
                              line.substr(0, 40)));
    }
  }
  if (end >= kLongestHeader) throw Error(fmt::format("{}: its header does not end; it is damaged", file.name()));
  return header;
}

std::string field_of(const NrrdHeader& header, std::string_view name) {
  const auto found =
      std::find_if(header.fields.begin(), header.fields.end(), [&](const auto& f) { return f.first == name; });
  return found == header.fields.end() ? "" : found->second;
}

/// Words, texts in quotes and vectors in brackets.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return words;
    text.remove_prefix(first);
    const char close = text[0] == '"' ? '"' : text[0] == '(' ? ')' : ' ';
    const auto stop = text.find_first_of(close == ' ' ? " \t" : std::string_view(&close, 1), 1);
    const std::size_t length =
        std::min(stop == std::string_view::npos ? text.size() : stop + (close == ' ' ? 0 : 1), text.size());
    words.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

template <typename T>
bool read_number(std::string_view text, T& value) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size();
}

SampleType type_of(const std::string& name, const NrrdHeader& header) {
  const std::string text = lower_case(field_of(header, "type"));
  const auto is_named = [&](const TypeName& type) {
    return type.name == text || std::find(type.others.begin(), type.others.end(), text) != type.others.end();
  };
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), is_named);
  if (found != kTypes.end() && !text.empty()) return found->type;
  throw Error(fmt::format("{}: samples of type '{}' cannot be read; convert them to one of 8 to 64 bits", name, text));
}

/// The length of "(0,0,1.5)"; 0 for "none".
double length_of(const std::string& vector) {
  double squares = 0;
  std::string_view rest = vector;
  while (!rest.empty()) {
    const auto stop = std::min(rest.find_first_of(",() "), rest.size());
    double number = 0;
    if (stop > 0 && read_number(rest.substr(0, stop), number)) squares += number * number;
    rest.remove_prefix(std::min(stop + 1, rest.size()));
  }
  return std::sqrt(squares);
}

/// The letter of an axis, slowest last as in the file; ' ' where the file does not tell.
std::string letters_of(const NrrdHeader& header, std::size_t dimensions) {
  const std::vector<std::string> kinds = words_of(field_of(header, "kinds"));
  const std::vector<std::string> directions = words_of(field_of(header, "space directions"));
  const std::vector<std::string> labels = words_of(field_of(header, "labels"));
  std::string letters(dimensions, ' ');
  std::size_t space = 0;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::string kind = kinds.size() == dimensions ? lower_case(kinds[i]) : "";
    const std::string label = labels.size() == dimensions ? lower_case(labels[i]) : "";
    const bool directed = directions.size() == dimensions && directions[i] != "none";
    if (kind == "space" || kind == "domain" || directed) {
      letters[i] = space < 3 ? "XYZ"[space] : ' ';
      ++space;
    } else if (kind == "time" || label == "\"time\"" || label == "\"t\"") {
      letters[i] = 'T';
    } else if (!kind.empty() && kind != "???" && kind != "none") {
      letters[i] = 'C';  // vectors, colours, lists
    }
  }
  return letters.find(' ') == std::string::npos ? letters : "";
}

/// In the order of the file reversed: slowest first.
std::vector<Axis> axes_of(const std::string& name, NrrdHeader& header, const std::string& requested) {
  std::vector<std::size_t> shape;
  for (const std::string& word : words_of(field_of(header, "sizes"))) {
    std::size_t size = 0;
    if (!read_number(std::string_view(word), size) || size == 0) shape.clear();
    shape.push_back(size);
  }
  if (shape.size() < 2 || shape.size() > 5 || shape.back() == 0 ||
      field_of(header, "dimension") != std::to_string(shape.size()))
    throw Error(fmt::format("{}: dimension {} and sizes '{}' are no image of 2 to 5 dimensions", name,
                            field_of(header, "dimension"), field_of(header, "sizes")));
  std::string own = letters_of(header, shape.size());
  std::string sorted = own;
  std::sort(sorted.begin(), sorted.end());
  const bool usable = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() &&
                      own.find('X') != std::string::npos && own.find('Y') != std::string::npos;
  std::reverse(own.begin(), own.end());
  std::reverse(shape.begin(), shape.end());
  std::vector<Axis> axes = named_axes(name, shape, requested, usable ? own : "");
  std::vector<std::string> spacings = words_of(field_of(header, "spacings"));
  const std::vector<std::string> directions = words_of(field_of(header, "space directions"));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    header.axes.insert(header.axes.begin(), axes[i].name);
    const std::size_t in_file = axes.size() - 1 - i;
    double spacing = 0;
    if (directions.size() == axes.size()) spacing = length_of(directions[in_file]);
    if (spacings.size() == axes.size()) read_number(std::string_view(spacings[in_file]), spacing);
    if (std::isfinite(spacing) && spacing > 0 && axes[i].name != 'C') axes[i].spacing = spacing;
  }
  return axes;
}

std::string unit_of(const NrrdHeader& header) {
  std::vector<std::string> units = words_of(field_of(header, "space units"));
  if (units.empty()) units = words_of(field_of(header, "units"));
  const std::string unit = units.empty() ? "" : lower_case(units.front());
  if (unit == "\"mm\"" || (unit.empty() && !field_of(header, "space").empty()))
    return "mm";  // scanner spaces are in mm
  if (unit == "\"um\"" || unit == "\"microns\"" || unit == "\"micron\"" || unit == "\"\xc2\xb5m\"") return "micron";
  return unit == "\"nm\"" ? "nm" : unit == "\"m\"" ? "m" : "";
}

/// Skips lines in a plain file. Throws Error where there are fewer.
std::uint64_t after_lines(const InputFile& file, std::uint64_t offset, long lines) {
  std::array<std::byte, 4096> part{};
  while (lines > 0) {
    const std::size_t got = file.read_at(offset, part);
    if (got == 0) fail_ends_early(file.name(), file.size(), file.size() + 1, "samples");
    for (std::size_t i = 0; i < got && lines > 0; ++i, ++offset)
      if (part.at(i) == std::byte{'\n'}) --lines;
  }
  return offset;
}

long skip_of(const NrrdHeader& header, std::string_view name, std::string_view other) {
  std::string text = field_of(header, name);
  if (text.empty()) text = field_of(header, other);
  long value = 0;
  return read_number(std::string_view(text), value) ? value : 0;
}

SampleFile samples_of(const std::shared_ptr<const InputFile>& file, const NrrdHeader& header, const Image& image,
                      std::uint64_t end) {
  std::string data_file = field_of(header, "data file");
  if (data_file.empty()) data_file = field_of(header, "datafile");
  if (data_file.starts_with("LIST") || data_file.find('%') != std::string::npos)
    throw Error(fmt::format("{}: its samples are in a list of files; save them in one", file->name()));
  const std::string encoding = lower_case(field_of(header, "encoding"));
  const bool gzip = encoding == "gzip" || encoding == "gz";
  if (encoding != "raw" && !gzip)
    throw Error(
        fmt::format("{}: the encoding '{}' cannot be read; save it with encoding raw or gzip", file->name(), encoding));
  SampleFile samples;
  samples.file = data_file.empty() ? file : open_beside(*file, data_file);
  samples.offset = after_lines(*samples.file, data_file.empty() ? end : 0, skip_of(header, "line skip", "lineskip"));
  samples.deflated = gzip;
  const bool big = lower_case(field_of(header, "endian")) == "big";
  samples.swapped = big == (std::endian::native == std::endian::little);
  const long bytes = skip_of(header, "byte skip", "byteskip");
  const std::uint64_t need = sample_count(image.axes) * sample_bytes(image.type);
  if (bytes < 0 && !gzip) samples.offset = samples.file->size() - std::min(samples.file->size(), need);
  if (bytes > 0 && gzip) samples.skip = static_cast<std::uint64_t>(bytes);
  if (bytes > 0 && !gzip) samples.offset += static_cast<std::uint64_t>(bytes);
  return samples;
}

std::string kind_of(char axis) {
  return axis == 'T' ? "time" : axis == 'C' ? "list" : "domain";
}

class NrrdWriter final : public RawWriter {
 public:
  NrrdWriter(const std::filesystem::path& path, Image header, const WriteOptions& options)
      : RawWriter(path, header, "TCZYX", options, options.type.value_or(header.type), false) {
    const std::string text = header_text();
    write_at(0, std::as_bytes(std::span(text)));
    set_offset(text.size());
  }

 private:
  std::string header_text() const {
    std::vector<std::size_t> sizes;
    std::vector<std::string> kinds, spacings;
    for (auto axis = image().axes.rbegin(); axis != image().axes.rend(); ++axis) {  // fastest first
      sizes.push_back(axis->length);
      kinds.push_back(kind_of(axis->name));
      spacings.push_back(axis->name == 'C' ? "nan" : fmt::format("{}", axis->spacing));
    }
    const auto known = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) { return t.type == type(); });
    std::string text =
        fmt::format("NRRD0005\ntype: {}\ndimension: {}\nsizes: {}\nkinds: {}\nencoding: raw\nendian: {}\n", known->name,
                    sizes.size(), fmt::join(sizes, " "), fmt::join(kinds, " "),
                    std::endian::native == std::endian::big ? "big" : "little");
    const auto* kept = kept_header<NrrdHeader>(image());
    if (kept != nullptr) return text + kept_lines(*kept) + "\n";
    text += fmt::format("spacings: {}\n", fmt::join(spacings, " "));
    if (!image().unit.empty()) {
      std::vector<std::string> units;
      units.reserve(kinds.size());
      for (const std::string& kind : kinds)
        units.push_back(kind == "domain" ? fmt::format("\"{}\"", image().unit == "micron" ? "um" : image().unit)
                                         : "\"\"");
      text += fmt::format("units: {}\n", fmt::join(units, " "));
    }
    return text + "\n";
  }

  /// Fields that still hold; of those with one word for each axis the words of the axes that are left.
  std::string kept_lines(const NrrdHeader& kept) const {
    std::string text;
    for (const auto& [field, value] : kept.fields) {
      if (std::find(kStorage.begin(), kStorage.end(), field) != kStorage.end()) continue;
      if (std::find(kPerAxis.begin(), kPerAxis.end(), field) == kPerAxis.end()) {
        text += fmt::format("{}: {}\n", field, value);
        continue;
      }
      const std::vector<std::string> words = words_of(value);
      std::vector<std::string> left;
      for (auto axis = image().axes.rbegin(); axis != image().axes.rend(); ++axis)
        if (const auto place = kept.axes.find(axis->name); place != std::string::npos && place < words.size())
          left.push_back(words[place]);
      if (left.size() == image().axes.size()) text += fmt::format("{}: {}\n", field, fmt::join(left, " "));
    }
    for (const std::string& pair : kept.pairs) text += pair + "\n";
    return text;
  }
};

}  // namespace

bool is_nrrd(const InputFile& file) {
  return file.has("NRRD000");
}

std::unique_ptr<ImageReader> open_nrrd(std::shared_ptr<const InputFile> file, const ReadOptions& options) {
  std::uint64_t end = 0;
  auto header = std::make_shared<NrrdHeader>(header_of(*file, end));
  Image image;
  image.type = type_of(file->name(), *header);
  image.axes = axes_of(file->name(), *header, options.axes);
  image.unit = unit_of(*header);
  image.header = header;
  const SampleFile samples = samples_of(file, *header, image, end);
  return sample_reader(samples, std::move(image));
}

std::unique_ptr<ImageWriter> create_nrrd(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  return std::make_unique<NrrdWriter>(path, std::move(header), options);
}

}  // namespace n2s
