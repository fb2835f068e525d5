// The header is a Python dictionary of three entries: parsed by hand, strictly, since a file is not to be evaluated.
#include "data/formats/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>

#include "data/atomic_file.h"
#include "data/raw_writer.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostNpyDimensions = 64;  // of numpy 2
constexpr bool kBigHere = std::endian::native == std::endian::big;

/// Kept so that an output has the same byte order.
struct NpyHeader final : FormatHeader {
  bool swapped = false;
  std::string axes;  // names, in the file's order
};

struct NpyFields {
  std::string type;  // "<f4"; a list's or tuple's text begins with a bracket
  bool fortran = false;
  std::vector<std::size_t> shape;
};

/// Reads "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5, 7), }"; entries may be in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  NpyFields parse() {
    NpyFields fields;
    bool type = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !type)
        type = read_type(fields);
      else if (key == "fortran_order" && !order)
        order = read_order(fields);
      else if (key == "shape" && !shape)
        shape = read_shape(fields);
      else
        fail();
      if (!take(',') && peek() != '}') fail();
    }
    peek();  // past blanks
    if (!type || !order || !shape || !rest_.empty()) fail();
    return fields;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(fmt::format("{}: damaged header of a NumPy array; save it again with numpy.save()", name_));
  }
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool take(char expected) {
    if (peek() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char expected) {
    if (!take(expected)) fail();
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail();
    std::string text(rest_.substr(1, end - 1));
    if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' '; })) fail();  // messages show it
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool read_type(NpyFields& fields) {
    if (peek() == '[' || peek() == '(')
      throw Error(fmt::format("{}: a structured array; save one of its fields alone", name_));
    fields.type = string();
    return true;
  }
  bool read_order(NpyFields& fields) {
    peek();
    fields.fortran = rest_.starts_with("True");
    if (!fields.fortran && !rest_.starts_with("False")) fail();
    rest_.remove_prefix(fields.fortran ? 4 : 5);
    return true;
  }
  bool read_shape(NpyFields& fields) {
    expect('(');
    while (!take(')')) {
      peek();
      std::size_t length = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), length);
      if (error != std::errc()) fail();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (fields.shape.size() == kMostNpyDimensions) fail();
      fields.shape.push_back(length);
      take('L');  // as Python 2 wrote it
      if (!take(',') && peek() != ')') fail();
    }
    return true;
  }

  std::string_view rest_;
  std::string name_;
};

struct NpyType {
  std::string_view code;  // without the byte order
  SampleType type;
};
// In writing the first code of a type counts.
constexpr std::array<NpyType, 12> kNpyTypes{{{"u1", SampleType::uint8},
                                             {"b1", SampleType::uint8},
                                             {"i1", SampleType::int8},
                                             {"u2", SampleType::uint16},
                                             {"i2", SampleType::int16},
                                             {"u4", SampleType::uint32},
                                             {"i4", SampleType::int32},
                                             {"u8", SampleType::uint64},
                                             {"i8", SampleType::int64},
                                             {"f2", SampleType::float16},
                                             {"f4", SampleType::float32},
                                             {"f8", SampleType::float64}}};

SampleType type_of(const std::string& name, const std::string& descr) {
  const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  const std::string code = descr.substr(has_order ? 1 : 0);
  for (const NpyType& known : kNpyTypes)
    if (known.code == code) return known.type;
  const char kind = code.empty() ? '?' : code[0];
  const char* what = kind == 'c'                  ? "complex numbers; save their magnitude, or real and imaginary part"
                     : kind == 'O'                ? "Python objects; save an array of numbers"
                     : kind == 'S' || kind == 'U' ? "text; save an array of numbers"
                                                  : "values of a type that cannot be read; convert them to float32";
  throw Error(fmt::format("{}: an array of '{}', {}", name, descr, what));
}

NpyFields read_header(const InputFile& file, std::uint64_t& data_offset) {
  std::array<unsigned char, 12> start{};
  const std::size_t got = file.read_at(0, std::as_writable_bytes(std::span(start)));
  const int version = start[6];
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (got < 8 + length_bytes) fail_ends_early(file.name(), got, 8 + length_bytes, "header");
  if (version < 1 || version > 3 || start[7] != 0)
    throw Error(fmt::format("{}: version {}.{} of the NumPy format; versions 1.0 to 3.0 can be read", file.name(),
                            version, int{start[7]}));
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | start[8 + i];
  constexpr std::uint64_t kLongest = 1 << 20;  // bytes; of numbers it is about 120
  data_offset = 8 + length_bytes + length;
  if (file.size() < data_offset) fail_ends_early(file.name(), file.size(), data_offset, "header");
  if (length > kLongest) throw Error(fmt::format("{}: a header of {} bytes; it is damaged", file.name(), length));
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read_at(8 + length_bytes, std::as_writable_bytes(std::span(text)));
  return HeaderParser(text, file.name()).parse();
}

void check_shape(const std::string& name, const std::vector<std::size_t>& shape) {
  const bool empty = std::find(shape.begin(), shape.end(), std::size_t{0}) != shape.end();
  if (shape.size() >= 2 && shape.size() <= 5 && !empty) return;
  throw Error(
      fmt::format("{}: an array of {} dimensions ({}){}; save one plane (rows, columns) or one stack (planes, rows, "
                  "columns)",
                  name, shape.size(), fmt::join(shape, ", "), empty ? " without any values" : ""));
}

std::vector<std::size_t> npy_shape(const Image& image) {
  std::vector<std::size_t> shape;
  for (const Axis& axis : image.axes) shape.push_back(axis.length);
  return shape;
}

/// Magic, version, length and text of the header.
std::string start_of_file(SampleType type, bool swapped, const std::vector<std::size_t>& shape) {
  const auto code = std::find_if(kNpyTypes.begin(), kNpyTypes.end(), [&](const NpyType& t) { return t.type == type; });
  const char order = sample_bytes(type) == 1 ? '|' : swapped == kBigHere ? '<' : '>';
  std::string text = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", order, code->code,
                                 fmt::join(shape, ", "));
  constexpr std::size_t kAlignment = 64;  // of the samples, in bytes
  const std::size_t before = kMagic.size() + 4;
  text.resize((before + text.size() + kAlignment) / kAlignment * kAlignment - before, ' ');
  text.back() = '\n';
  std::string start(kMagic);
  start += '\1';
  start += '\0';
  start += static_cast<char>(text.size() & 255);
  start += static_cast<char>(text.size() >> 8);
  return start + text;
}

}  // namespace

bool is_npy(const InputFile& file) {
  return file.has(kMagic);
}

std::unique_ptr<ImageReader> open_npy(std::shared_ptr<const InputFile> file, const ReadOptions& options) {
  std::uint64_t offset = 0;
  const NpyFields fields = read_header(*file, offset);
  auto header = std::make_shared<NpyHeader>();
  header->swapped = fields.type.starts_with(kBigHere ? '<' : '>');
  Image stored;
  stored.header = header;
  stored.type = type_of(file->name(), fields.type);
  check_shape(file->name(), fields.shape);
  stored.axes = named_axes(file->name(), fields.shape, options.axes);
  stored.axes_told = !options.axes.empty();
  for (const Axis& axis : stored.axes) header->axes += axis.name;
  if (fields.fortran) std::reverse(stored.axes.begin(), stored.axes.end());
  const bool planes = header->axes.ends_with("YX") && !fields.fortran;
  std::unique_ptr<ImageReader> reader = raw_reader(file, std::move(stored), {offset, header->swapped});
  if (planes) return reader;
  check_memory(file->name(), sample_count(reader->image().axes) * sizeof(float));
  stored = reader->read_all();
  Image storage;
  if (&arranged(stored, header->axes, storage) == &storage) stored = std::move(storage);
  put_plane_axes_last(stored);
  return reader_of(std::move(stored));
}

namespace {

class NpyWriter final : public RawWriter {
 public:
  NpyWriter(const std::filesystem::path& path, Image header, std::string_view order, const WriteOptions& options,
            bool swapped)
      : RawWriter(path, header, order, options, options.type.value_or(header.type), swapped) {
    const std::string start = start_of_file(type(), swapped, npy_shape(image()));
    write_at(0, std::as_bytes(std::span(start)));
    set_offset(start.size());
  }
};

/// An array whose last axes are not rows and columns: as one plane, of all its samples in their order.
void write_unusual(const std::filesystem::path& path, const Image& given, const std::string& order,
                   const WriteOptions& options, bool swapped) {
  Image storage;
  const Image& image = arranged(given, order, storage);
  const SampleType type = options.type.value_or(image.type);
  const std::string start = start_of_file(type, swapped, npy_shape(image));
  AtomicFile file(path, options.overwrite);
  file.write(std::as_bytes(std::span(start)));
  std::vector<std::byte> stored(image.values.size() * sample_bytes(type));
  encode_samples(image.values, type, swapped, {}, stored);
  file.write(stored);
  file.commit();
}

}  // namespace

std::unique_ptr<ImageWriter> create_npy(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  const auto* kept = kept_header<NpyHeader>(header);
  const bool swapped = kept != nullptr && kept->swapped;
  std::string order;  // an array has no names, so its order is kept
  for (const char name : kept != nullptr ? kept->axes : std::string())
    if (find_axis(header.axes, name)) order += name;
  for (auto axis = header.axes.rbegin(); axis != header.axes.rend(); ++axis)
    if (order.find(axis->name) == std::string::npos) order.insert(order.begin(), axis->name);
  if (order.ends_with("YX")) return std::make_unique<NpyWriter>(path, std::move(header), order, options, swapped);
  return whole_writer(std::move(header),
                      [=](const Image& image) { write_unusual(path, image, order, options, swapped); });
}

}  // namespace n2s
