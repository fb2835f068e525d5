// See png.h. libpng reports errors by longjmp. Each function that calls setjmp therefore holds no C++ object whose
// destructor the jump would skip: objects live in its caller.
#include "data/formats/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <bit>
#include <csetjmp>
#include <cstdio>

#include "data/atomic_file.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// What both directions share: the message of the error that ended them.
struct PngMessage {
  std::array<char, 160> text{};
};

[[noreturn]] void keep_error(png_structp png, png_const_charp message) {
  auto* kept = static_cast<PngMessage*>(png_get_error_ptr(png));
  std::snprintf(kept->text.data(), kept->text.size(), "%s", message);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

struct PngReader {
  const InputFile* file = nullptr;
  std::uint64_t offset = 0;
  PngMessage message;
  png_structp png = nullptr;
  png_infop info = nullptr;

  explicit PngReader(const InputFile& input) : file(&input) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &message, keep_error, ignore_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png, this, read);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  static void read(png_structp png, png_bytep into, std::size_t size) {
    auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
    bool whole = false;
    try {
      whole = reader->file->read_at(reader->offset, std::span(reinterpret_cast<std::byte*>(into), size)) == size;
    } catch (const std::exception&) {
      whole = false;
    }
    if (!whole) png_error(png, "the file ends early");
    reader->offset += size;
  }

  [[noreturn]] void fail() const {
    throw Error(fmt::format("{}: damaged PNG ({}); copy or download it again", file->name(), message.text.data()));
  }
};

struct PngShape {
  std::size_t width = 0, height = 0, channels = 1, bytes = 1;  // bytes per sample
};

// False after an error.
bool read_shape(PngReader& reader, PngShape& shape) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);
  png_set_strip_alpha(reader.png);
  if (std::endian::native == std::endian::little) png_set_swap(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  shape.width = png_get_image_width(reader.png, reader.info);
  shape.height = png_get_image_height(reader.png, reader.info);
  shape.channels = png_get_channels(reader.png, reader.info);
  shape.bytes = png_get_bit_depth(reader.png, reader.info) / 8U;
  return true;
}

bool read_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

// Turns interleaved channels into planes; one plane where all channels agree.
void separate_channels(Image& image, const std::vector<float>& interleaved, std::size_t channels) {
  const std::size_t pixels = interleaved.size() / channels;
  bool grey = true;
  for (std::size_t i = 0; i < interleaved.size() && grey; ++i)
    grey = interleaved[i] == interleaved[i / channels * channels];
  const std::size_t kept = grey ? 1 : channels;
  image.values.resize(pixels * kept);
  for (std::size_t c = 0; c < kept; ++c)
    for (std::size_t i = 0; i < pixels; ++i) image.values[c * pixels + i] = interleaved[i * channels + c];
  image.colour = !grey;
  if (!grey) image.axes.insert(image.axes.begin(), Axis{'C', channels, 1});
}

struct PngWriter {
  std::vector<std::byte> bytes;
  PngMessage message;
  png_structp png = nullptr;
  png_infop info = nullptr;

  PngWriter() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &message, keep_error, ignore_warning);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) {
      png_destroy_write_struct(&png, nullptr);
      throw std::bad_alloc();
    }
    png_set_write_fn(png, this, append, [](png_structp) {});
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  static void append(png_structp png, png_bytep from, std::size_t size) {
    auto* writer = static_cast<PngWriter*>(png_get_io_ptr(png));
    const auto* start = reinterpret_cast<const std::byte*>(from);
    bool done = true;
    try {
      writer->bytes.insert(writer->bytes.end(), start, start + size);
    } catch (const std::exception&) {
      done = false;
    }
    if (!done) png_error(png, "not enough memory");
  }
};

bool encode(PngWriter& writer, const PngShape& shape, png_bytepp rows) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(shape.width), static_cast<png_uint_32>(shape.height),
               static_cast<int>(8 * shape.bytes), shape.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, writer.info);
  return true;
}

// `stored` has PNG's big-endian samples; `name` is for messages.
std::vector<std::byte> encoded(const std::string& name, const PngShape& shape, std::span<std::byte> stored) {
  std::vector<png_bytep> rows(shape.height);
  for (std::size_t y = 0; y < shape.height; ++y)
    rows[y] = reinterpret_cast<png_bytep>(stored.data() + y * shape.width * shape.channels * shape.bytes);
  PngWriter writer;
  if (!encode(writer, shape, rows.data()))
    throw Error(fmt::format("{}: cannot make a PNG of {}x{} pixels ({})", name, shape.width, shape.height,
                            writer.message.text.data()));
  return std::move(writer.bytes);
}

}  // namespace

bool is_png(const InputFile& file) {
  return file.has("\x89PNG\r\n\x1a\n");
}

std::unique_ptr<ImageReader> open_png(std::shared_ptr<const InputFile> file, const ReadOptions&) {
  PngReader reader(*file);
  PngShape shape;
  if (!read_shape(reader, shape)) reader.fail();
  const std::size_t row_bytes = shape.width * shape.channels * shape.bytes, bytes = row_bytes * shape.height;
  check_expansion(file->name(), file->size(), bytes, 1040);
  check_memory(file->name(), bytes * 8);
  std::vector<std::byte> stored(bytes);
  std::vector<png_bytep> rows(shape.height);
  for (std::size_t y = 0; y < shape.height; ++y) rows[y] = reinterpret_cast<png_bytep>(stored.data() + y * row_bytes);
  if (!read_rows(reader, rows.data())) reader.fail();

  Image image;
  image.type = shape.bytes == 1 ? SampleType::uint8 : SampleType::uint16;
  image.axes = {{'Y', shape.height, 1}, {'X', shape.width, 1}};
  std::vector<float> interleaved(bytes / shape.bytes);
  decode_samples(stored, image.type, false, {}, interleaved);
  separate_channels(image, interleaved, shape.channels);
  return reader_of(std::move(image));
}

namespace {

void write_png(const std::filesystem::path& path, const Image& given, const WriteOptions& options) {
  Image storage;
  const Image& image = arranged(given, "TZYXC", storage);
  const SampleType type = options.type.value_or(image.type);
  if (type != SampleType::uint8 && type != SampleType::uint16)
    throw Error(fmt::format("{}: PNG holds uint8 or uint16, not {}; write .tif, or choose one of these types",
                            path.string(), sample_type_name(type)));
  const auto y = find_axis(image.axes, 'Y'), x = find_axis(image.axes, 'X');
  PngShape shape;
  if (y && x) {
    shape.height = image.axes[*y].length;
    shape.width = image.axes[*x].length;
    shape.channels = image.values.size() / shape.height / shape.width;
  }
  const auto channels = find_axis(image.axes, 'C');
  const bool colour = shape.channels == 3 && channels && image.axes[*channels].length == 3;
  constexpr std::size_t kLongest = 1000000;  // libpng's own limit
  if (shape.height == 0 || shape.height > kLongest || shape.width > kLongest || (shape.channels != 1 && !colour))
    throw Error(fmt::format("{}: PNG holds one plane, not {}; write .tif or .nii.gz", path.string(),
                            describe_axes(given.axes)));
  shape.bytes = sample_bytes(type);
  std::vector<std::byte> stored(image.values.size() * shape.bytes);
  encode_samples(image.values, type, std::endian::native == std::endian::little, {}, stored);
  write_file_atomically(path, encoded(path.string(), shape, stored), options.overwrite);
}

}  // namespace

std::unique_ptr<ImageWriter> create_png(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  return whole_writer(std::move(header), [=](const Image& image) { write_png(path, image, options); });
}

namespace {

std::vector<std::byte> encode_picture(int width, int height, std::size_t channels,
                                      std::span<const std::uint8_t> bytes) {
  const PngShape shape = {static_cast<std::size_t>(std::max(width, 0)), static_cast<std::size_t>(std::max(height, 0)),
                          channels, 1};
  if (bytes.empty() || bytes.size() != shape.width * shape.height * channels)
    throw Error(fmt::format("{} bytes are no picture of {}x{} pixels", bytes.size(), width, height));
  std::vector<std::byte> stored(bytes.size());
  std::transform(bytes.begin(), bytes.end(), stored.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
  return encoded("a picture", shape, stored);
}

}  // namespace

std::vector<std::byte> encode_png_rgb(int width, int height, std::span<const std::uint8_t> bytes) {
  return encode_picture(width, height, 3, bytes);
}

std::vector<std::byte> encode_png_grey(int width, int height, std::span<const std::uint8_t> bytes) {
  return encode_picture(width, height, 1, bytes);
}

}  // namespace n2s
