// The TIFF writer. ImageJ takes a file that names itself as its own to hold all planes contiguously and skips
// all directories but the first; libtiff puts each directory behind its plane. So the few tags are written here.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/atomic_file.h"
#include "data/formats/tiff.h"
#include "data/formats/tiff_description.h"
#include "data/formats/tiff_ome.h"
#include "data/raw_writer.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// Appends little-endian numbers, whatever the machine's order.
class TiffBuffer {
 public:
  template <class T>
  void put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_.push_back(static_cast<std::byte>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xff));
  }
  void put_offset(bool big, std::uint64_t value) {
    if (big) {
      put(value);
    } else {
      put(static_cast<std::uint32_t>(value));
    }
  }
  void put_text(const std::string& text) {
    for (const char c : text) put(static_cast<unsigned char>(c));
  }
  std::span<const std::byte> span() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

enum FieldType : std::uint16_t { ascii = 2, short_integer = 3, long_integer = 4, rational = 5, long8_integer = 16 };

struct Field {
  std::uint16_t tag;
  FieldType type;
  std::uint64_t count;
  std::uint64_t value;  // or the offset, where it does not fit
};

struct Layout {
  bool big = false;
  std::uint64_t width = 0, height = 0, pages = 1, page_bytes = 0;
  std::uint64_t first_plane = 16;  // offsets in bytes
  std::uint64_t extras = 0;        // x resolution, y resolution, description
  std::uint64_t first_directory = 0;
};

// Numerators stay below 2^31: some readers take them as signed.
void put_rational(TiffBuffer& bytes, double value) {
  constexpr double kLargest = 1e9;
  const double denominator = std::clamp(std::floor(kLargest / value), 1.0, kLargest);
  bytes.put(static_cast<std::uint32_t>(std::clamp(std::round(value * denominator), 1.0, kLargest)));
  bytes.put(static_cast<std::uint32_t>(denominator));
}

std::vector<Field> fields_of_page(const Layout& layout, SampleType type, bool min_is_white, std::size_t text_size,
                                  std::uint64_t page) {
  const FieldType offset_type = layout.big ? long8_integer : long_integer;
  const std::uint64_t format = is_integer(type) ? (sample_type_name(type)[0] == 'u' ? 1 : 2) : 3;
  std::vector<Field> fields = {{254, long_integer, 1, 0},
                               {256, long_integer, 1, layout.width},
                               {257, long_integer, 1, layout.height},
                               {258, short_integer, 1, 8 * sample_bytes(type)},
                               {259, short_integer, 1, 1},
                               {262, short_integer, 1, min_is_white ? 0U : 1U}};
  if (page == 0) fields.push_back({270, ascii, text_size, layout.extras + 16});
  fields.push_back({273, offset_type, 1, layout.first_plane + page * layout.page_bytes});
  fields.push_back({277, short_integer, 1, 1});
  fields.push_back({278, long_integer, 1, layout.height});
  fields.push_back({279, offset_type, 1, layout.page_bytes});
  fields.push_back({282, rational, 1, layout.extras});
  fields.push_back({283, rational, 1, layout.extras + 8});
  fields.push_back({296, short_integer, 1, 1});
  fields.push_back({339, short_integer, 1, format});
  return fields;
}

void put_directory(TiffBuffer& bytes, const Layout& layout, const std::vector<Field>& fields, bool last,
                   std::span<const std::byte> resolutions) {
  if (layout.big) {
    bytes.put(std::uint64_t{fields.size()});
  } else {
    bytes.put(static_cast<std::uint16_t>(fields.size()));
  }
  for (const Field& field : fields) {
    bytes.put(field.tag);
    bytes.put(static_cast<std::uint16_t>(field.type));
    bytes.put_offset(layout.big, field.count);
    if (layout.big && field.type == rational) {
      // 8 bytes fit into a BigTIFF field, so they have to stand in it.
      for (const std::byte byte : resolutions.subspan(field.value - layout.extras, 8))
        bytes.put(std::to_integer<unsigned char>(byte));
    } else {
      bytes.put_offset(layout.big, field.value);
    }
  }
  const std::uint64_t link = layout.big ? 8 : 4;
  const std::uint64_t next = layout.first_directory + bytes.size() + link;
  bytes.put_offset(layout.big, last ? 0 : next);
}

TiffBuffer header_of(const Layout& layout) {
  TiffBuffer header;
  header.put_text("II");
  header.put(static_cast<std::uint16_t>(layout.big ? 43 : 42));
  if (layout.big) {
    header.put(std::uint16_t{8});
    header.put(std::uint16_t{0});
  }
  header.put_offset(layout.big, layout.first_directory);
  while (header.size() < layout.first_plane) header.put(std::uint8_t{0});
  return header;
}

double spacing_of(const Image& image, char name) {
  const auto axis = find_axis(image.axes, name);
  return axis ? image.axes[*axis].spacing : 1;
}

Layout layout_of(const std::filesystem::path& path, const Image& image, SampleType type, std::size_t text_size,
                 bool big) {
  Layout layout;
  const auto y = find_axis(image.axes, 'Y'), x = find_axis(image.axes, 'X');
  if (!y || !x)
    throw Error(fmt::format("{}: TIFF needs rows and columns, not {}", path.string(), describe_axes(image.axes)));
  layout.height = image.axes[*y].length;
  layout.width = image.axes[*x].length;
  constexpr std::uint64_t kLongest = std::numeric_limits<std::uint32_t>::max();
  if (layout.height > kLongest || layout.width > kLongest)
    throw Error(fmt::format("{}: a plane of {}x{} is too large for TIFF", path.string(), layout.height, layout.width));
  layout.pages = sample_count(image.axes) / layout.height / layout.width;
  layout.page_bytes = layout.height * layout.width * sample_bytes(type);
  const std::uint64_t planes = layout.pages * layout.page_bytes, rest = 1024 + text_size + 400 * layout.pages;
  layout.big = big || planes + rest > kLongest;
  layout.extras = (layout.first_plane + planes + 7) / 8 * 8;
  layout.first_directory = (layout.extras + 16 + text_size + 7) / 8 * 8;
  return layout;
}

class TiffWriter final : public RawWriter {
 public:
  TiffWriter(const std::filesystem::path& path, Image header, const WriteOptions& options, bool ome)
      : RawWriter(path, header, kOrder, options, options.type.value_or(header.type),
                  std::endian::native == std::endian::big),
        text_((ome ? ome_description(image(), type()) : imagej_description(image())) + '\0'),
        layout_(layout_of(path, image(), type(), text_.size(), options.big_tiff)) {
    write_at(0, header_of(layout_).span());
    set_offset(layout_.first_plane);
  }

  void commit() override {
    TiffBuffer extras, directories;
    put_rational(extras, 1 / spacing_of(image(), 'X'));
    put_rational(extras, 1 / spacing_of(image(), 'Y'));
    extras.put_text(text_);
    while (layout_.extras + extras.size() < layout_.first_directory) extras.put(std::uint8_t{0});
    const auto* kept = kept_header<TiffHeader>(image());
    const bool min_is_white = kept != nullptr && kept->min_is_white;
    for (std::uint64_t page = 0; page < layout_.pages; ++page)
      put_directory(directories, layout_, fields_of_page(layout_, type(), min_is_white, text_.size(), page),
                    page + 1 == layout_.pages, extras.span().first(16));
    write_at(layout_.extras, extras.span());
    write_at(layout_.first_directory, directories.span());
    RawWriter::commit();
  }

  static constexpr std::string_view kOrder = "TZCYX";

 private:
  std::string text_;
  Layout layout_;
};

}  // namespace

std::unique_ptr<ImageWriter> create_tiff(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  return std::make_unique<TiffWriter>(path, std::move(header), options, false);
}

std::unique_ptr<ImageWriter> create_ome_tiff(const std::filesystem::path& path, Image header,
                                             const WriteOptions& options) {
  return std::make_unique<TiffWriter>(path, std::move(header), options, true);
}

}  // namespace n2s
