// See tiff.h. Two passes over the pages: the first checks that they fit together and that the file can hold what they
// claim, the second decodes.
#include "data/tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/samples.h"
#include "data/tiff_description.h"
#include "data/tiff_source.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

struct Page {
  std::uint32_t width = 0, height = 0;  // pixels
  std::uint16_t samples = 1;            // per pixel
  std::uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
  std::uint16_t planar = PLANARCONFIG_CONTIG, photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE;
  bool operator==(const Page& other) const {
    return width == other.width && height == other.height && samples == other.samples && bits == other.bits &&
           format == other.format;
  }
};

SampleType type_of(const std::string& name, const Page& page) {
  const auto bits = page.bits;
  if (page.format == SAMPLEFORMAT_UINT || page.format == SAMPLEFORMAT_VOID) {
    if (bits == 8) return SampleType::uint8;
    if (bits == 16) return SampleType::uint16;
    if (bits == 32) return SampleType::uint32;
    if (bits == 64) return SampleType::uint64;
  } else if (page.format == SAMPLEFORMAT_INT) {
    if (bits == 8) return SampleType::int8;
    if (bits == 16) return SampleType::int16;
    if (bits == 32) return SampleType::int32;
    if (bits == 64) return SampleType::int64;
  } else if (page.format == SAMPLEFORMAT_IEEEFP) {
    if (bits == 32) return SampleType::float32;
    if (bits == 64) return SampleType::float64;
  }
  throw Error(fmt::format("{}: holds {}-bit {} samples; convert it to 8, 16 or 32 bits (ImageJ: Image > Type)", name,
                          bits,
                          page.format == SAMPLEFORMAT_IEEEFP ? "float"
                          : page.format <= SAMPLEFORMAT_INT  ? "integer"
                                                             : "complex or unknown"));
}

Page read_page(const TiffSource& source, const InputFile& file) {
  TIFF* tiff = source.get();
  Page page;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page.planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page.compression);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page.photometric);
  if (page.width == 0 || page.height == 0 || page.samples == 0)
    throw Error(fmt::format("{}: a page has no size; the file is damaged", file.name()));
  if (page.photometric == PHOTOMETRIC_YCBCR) {
    // Colour differences may be at half resolution; libtiff undoes that for JPEG only.
    if (page.compression != COMPRESSION_JPEG)
      throw Error(fmt::format("{}: holds YCbCr colours; convert it to RGB or grey", file.name()));
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    page.photometric = PHOTOMETRIC_RGB;
  }
  return page;
}

std::uint64_t page_bytes(const std::string& name, const Page& page) {
  // At most 2^32 * 2^32 * 2^16: the product of the first two is checked before the third.
  const std::uint64_t pixels = std::uint64_t{page.width} * page.height;
  if (pixels > (std::uint64_t{1} << 44))
    throw Error(fmt::format("{}: a page of {}x{} pixels is too large", name, page.width, page.height));
  return pixels * page.samples * sample_bytes(type_of(name, page));
}

// Sum of what strips or tiles occupy, as far as it lies in the file.
std::uint64_t stored_bytes(const TiffSource& source, const InputFile& file) {
  const std::uint32_t count =
      TIFFIsTiled(source.get()) != 0 ? TIFFNumberOfTiles(source.get()) : TIFFNumberOfStrips(source.get());
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t offset = TIFFGetStrileOffset(source.get(), i);
    if (offset < file.size()) sum += std::min(TIFFGetStrileByteCount(source.get(), i), file.size() - offset);
    if (source.has_message()) source.fail();
    if (sum >= file.size()) return file.size();
  }
  return sum;
}

// How one strip or tile lies in the page: a block of `rows` by `columns` at (top, left).
struct Block {
  std::uint32_t top, left, rows, columns;  // pixels, clipped to the page
  std::uint32_t stored_columns;            // tiles are stored whole, also where they stick out
  std::uint16_t samples, first_sample;     // samples in this block, interleaved
};

// `stored` is interleaved by pixel, `page_values` are samples x height x width.
void place_block(const Page& page, const Block& block, std::span<const std::byte> stored, SampleType type,
                 std::vector<float>& row, std::span<float> page_values) {
  const std::size_t row_samples = std::size_t{block.stored_columns} * block.samples;
  const std::size_t row_bytes = row_samples * sample_bytes(type);
  row.resize(row_samples);
  for (std::uint32_t y = 0; y < block.rows; ++y) {
    decode_samples(stored.subspan(y * row_bytes, row_bytes), type, false, {}, row);
    for (std::uint16_t s = 0; s < block.samples; ++s) {
      const std::size_t plane = std::size_t{block.first_sample} + s;
      const std::size_t start = (plane * page.height + block.top + y) * page.width + block.left;
      for (std::uint32_t x = 0; x < block.columns; ++x)
        page_values[start + x] = row[std::size_t{x} * block.samples + s];
    }
  }
}

void decode_strips(const TiffSource& source, const InputFile& file, const Page& page, SampleType type,
                   std::span<float> page_values) {
  const bool contiguous = page.planar == PLANARCONFIG_CONTIG;
  std::uint32_t rows_per_strip = page.height;
  TIFFGetFieldDefaulted(source.get(), TIFFTAG_ROWSPERSTRIP, &rows_per_strip);
  rows_per_strip = std::clamp<std::uint32_t>(rows_per_strip, 1, page.height);
  const std::uint16_t samples = contiguous ? page.samples : std::uint16_t{1};
  const std::size_t row_bytes = std::size_t{page.width} * samples * sample_bytes(type);
  std::vector<std::byte> stored(row_bytes * rows_per_strip);
  std::vector<float> row;
  std::uint32_t strip = 0;
  for (std::uint16_t plane = 0; plane < page.samples; plane = static_cast<std::uint16_t>(plane + samples))
    for (std::uint32_t top = 0; top < page.height; ++strip) {
      const std::uint32_t rows = std::min(rows_per_strip, page.height - top);
      const std::size_t expected = row_bytes * rows;
      const tmsize_t got = TIFFReadEncodedStrip(source.get(), strip, stored.data(), static_cast<tmsize_t>(expected));
      if (got < 0) source.fail();
      if (static_cast<std::size_t>(got) < expected)
        fail_ends_early(file.name(), static_cast<std::uint64_t>(got), expected, "a strip");
      place_block(page, {top, 0, rows, page.width, page.width, samples, plane}, std::span(stored).first(expected), type,
                  row, page_values);
      top += rows;
    }
}

void decode_tiles(const TiffSource& source, const InputFile& file, const Page& page, SampleType type,
                  std::span<float> page_values) {
  std::uint32_t tile_width = 0, tile_height = 0;
  TIFFGetField(source.get(), TIFFTAG_TILEWIDTH, &tile_width);
  TIFFGetField(source.get(), TIFFTAG_TILELENGTH, &tile_height);
  const std::uint16_t samples = page.planar == PLANARCONFIG_CONTIG ? page.samples : std::uint16_t{1};
  const std::uint64_t tile_bytes = TIFFTileSize64(source.get());
  if (tile_width == 0 || tile_height == 0 || tile_bytes == 0 ||
      tile_bytes / tile_width / tile_height != samples * sample_bytes(type))
    source.fail();
  check_expansion(file.name(), file.size(), tile_bytes);
  check_memory(file.name(), tile_bytes);
  std::vector<std::byte> stored(tile_bytes);
  std::vector<float> row;
  std::uint32_t tile = 0;
  for (std::uint16_t plane = 0; plane < page.samples; plane = static_cast<std::uint16_t>(plane + samples))
    for (std::uint64_t top = 0; top < page.height; top += tile_height)
      for (std::uint64_t left = 0; left < page.width; left += tile_width) {
        const tmsize_t got =
            TIFFReadEncodedTile(source.get(), tile++, stored.data(), static_cast<tmsize_t>(stored.size()));
        if (got < 0) source.fail();
        if (static_cast<std::size_t>(got) < stored.size())
          fail_ends_early(file.name(), static_cast<std::uint64_t>(got), stored.size(), "a tile");
        const Block block = {static_cast<std::uint32_t>(top),
                             static_cast<std::uint32_t>(left),
                             static_cast<std::uint32_t>(std::min<std::uint64_t>(tile_height, page.height - top)),
                             static_cast<std::uint32_t>(std::min<std::uint64_t>(tile_width, page.width - left)),
                             tile_width,
                             samples,
                             plane};
        place_block(page, block, stored, type, row, page_values);
      }
}

// A thumbnail or the lower level of a pyramid, not a plane.
bool is_reduced(const TiffSource& source) {
  std::uint32_t kind = 0;
  return TIFFGetField(source.get(), TIFFTAG_SUBFILETYPE, &kind) == 1 && (kind & FILETYPE_REDUCEDIMAGE) != 0;
}

// Returns the number of pages. Checks all of them against the first one and the file's size.
std::size_t survey_pages(const TiffSource& source, const InputFile& file, const Page& first) {
  std::size_t pages = 0, directory = 0;
  std::uint64_t decoded = 0, stored = 0;
  do {
    if (++directory > 1 && is_reduced(source)) continue;
    const Page page = read_page(source, file);
    if (!(page == first))
      throw Error(fmt::format("{}: page {} is {}x{}x{} of {} bits, the first one {}x{}x{} of {}; split the file",
                              file.name(), pages + 1, page.width, page.height, page.samples, page.bits, first.width,
                              first.height, first.samples, first.bits));
    const std::uint64_t bytes = page_bytes(file.name(), page), in_file = stored_bytes(source, file);
    if (page.compression == COMPRESSION_NONE && in_file < bytes && TIFFIsTiled(source.get()) == 0)
      fail_ends_early(file.name(), in_file, bytes, "a page");
    check_expansion(file.name(), in_file, bytes);
    decoded += bytes;
    stored += in_file;
    ++pages;
    check_memory(file.name(), decoded / sample_bytes(type_of(file.name(), first)) * sizeof(float));
  } while (TIFFReadDirectory(source.get()) == 1);
  if (source.has_message() || source.read_past_end()) source.fail();
  check_expansion(file.name(), std::min(stored, file.size()), decoded);
  return pages;
}

// ImageJ leaves all directories but the first one out where the file would exceed 4 GB: planes follow one another.
bool is_contiguous_stack(const TiffSource& source, const InputFile& file, const Page& page,
                         const TiffDescription& description, std::size_t pages) {
  if (!description.imagej || pages != 1 || description.images < 2) return false;
  if (page.compression != COMPRESSION_NONE || page.samples != 1 || TIFFIsTiled(source.get()) != 0) return false;
  const std::uint64_t start = TIFFGetStrileOffset(source.get(), 0), bytes = page_bytes(file.name(), page);
  const std::uint64_t there = file.size() - std::min(start, file.size());
  // A plane that some program cut out of a stack without mending the description looks the same, and ImageJ cannot open
  // it either: losing planes without a word would be worse.
  if (there / bytes < description.images) fail_ends_early(file.name(), there, description.images * bytes, "planes");
  return true;
}

void read_contiguous(const TiffSource& source, const InputFile& file, const Page& page, std::size_t pages,
                     Image& image) {
  const std::uint64_t start = TIFFGetStrileOffset(source.get(), 0), bytes = page_bytes(file.name(), page);
  const std::size_t samples = bytes / sample_bytes(image.type);
  std::vector<std::byte> stored(bytes);
  for (std::size_t i = 0; i < pages; ++i) {
    const std::size_t got = file.read_at(start + i * bytes, stored);
    if (got < bytes) fail_ends_early(file.name(), i * bytes + got, pages * bytes, "planes");
    decode_samples(stored, image.type, TIFFIsByteSwapped(source.get()) != 0, {},
                   std::span(image.values).subspan(i * samples, samples));
  }
}

void read_pages(const TiffSource& source, const InputFile& file, const Page& first, SampleType type,
                std::vector<float>& values) {
  if (TIFFSetDirectory(source.get(), 0) == 0) source.fail();
  const std::size_t samples = std::size_t{first.width} * first.height * first.samples;
  std::size_t done = 0;
  bool leading = true;
  do {
    if (!leading && is_reduced(source)) continue;
    leading = false;
    const Page page = read_page(source, file);
    if (!(page == first) || done + samples > values.size()) source.fail();
    const auto page_values = std::span(values).subspan(done, samples);
    if (TIFFIsTiled(source.get()) != 0) {
      decode_tiles(source, file, page, type, page_values);
    } else {
      decode_strips(source, file, page, type, page_values);
    }
    done += samples;
  } while (TIFFReadDirectory(source.get()) == 1);
}

double resolution_spacing(const TiffSource& source, std::uint32_t tag) {
  float per_unit = 0;
  if (TIFFGetField(source.get(), tag, &per_unit) != 1 || !std::isfinite(per_unit) || !(per_unit > 0)) return 0;
  return 1 / static_cast<double>(per_unit);
}

struct PlaneSpacing {
  double x = 1, y = 1;
  std::string unit;
};

// Reads the tags of the current directory, which has to be the first one.
PlaneSpacing plane_spacing(const TiffSource& source, const TiffDescription& description) {
  PlaneSpacing spacing = {1, 1, description.unit};
  const double x = resolution_spacing(source, TIFFTAG_XRESOLUTION), y = resolution_spacing(source, TIFFTAG_YRESOLUTION);
  std::uint16_t unit = RESUNIT_INCH;
  TIFFGetFieldDefaulted(source.get(), TIFFTAG_RESOLUTIONUNIT, &unit);
  double scale = 0;
  if (description.x || description.y) {
    return {description.x.value_or(*(description.y ? description.y : description.x)) * description.unit_scale,
            description.y.value_or(*(description.x ? description.x : description.y)) * description.unit_scale,
            description.unit};
  }
  if (description.imagej) {
    scale = description.unit_scale;
  } else if (unit == RESUNIT_CENTIMETER) {
    scale = 1e4;
    spacing.unit = "micron";
  }
  if (scale == 0 || x == 0 || y == 0 || !std::isfinite(scale * x) || !std::isfinite(scale * y)) return spacing;
  spacing.x = x * scale;
  spacing.y = y * scale;
  return spacing;
}

}  // namespace

Image read_tiff(const InputFile& file) {
  const TiffSource source(file);
  const Page page = read_page(source, file);
  Image image;
  image.type = type_of(file.name(), page);
  const char* text = nullptr;
  image.tiff.emplace();
  if (TIFFGetField(source.get(), TIFFTAG_IMAGEDESCRIPTION, &text) == 1 && text != nullptr)
    image.tiff->description = text;
  const TiffDescription description = parse_tiff_description(image.tiff->description);
  image.tiff->info = description.info;
  image.tiff->min_is_white = page.photometric == PHOTOMETRIC_MINISWHITE;
  const PlaneSpacing spacing = plane_spacing(source, description);
  image.unit = spacing.unit;

  std::size_t pages = survey_pages(source, file, page);
  if (TIFFSetDirectory(source.get(), 0) == 0) source.fail();
  const bool contiguous = is_contiguous_stack(source, file, page, description, pages);
  if (contiguous) pages = description.images;
  if (pages == description.images) {
    image.axes = description.page_axes;
  } else if (pages > 1) {
    image.axes = {{'Z', pages, 1}};
  }
  image.colour = page.photometric == PHOTOMETRIC_RGB && page.samples >= 3;
  if (page.samples > 1) {
    if (find_axis(image.axes, 'C'))
      throw Error(fmt::format("{}: has channels as pages and {} samples per pixel; split the channels", file.name(),
                              page.samples));
    image.axes.push_back({'C', page.samples, 1});
  }
  image.axes.push_back({'Y', page.height, spacing.y});
  image.axes.push_back({'X', page.width, spacing.x});
  const std::size_t count = sample_count(image.axes);
  check_memory(file.name(), count * sizeof(float));
  image.values.resize(count);
  if (contiguous) {
    read_contiguous(source, file, page, pages, image);
  } else {
    read_pages(source, file, page, image.type, image.values);
  }
  return image;
}

}  // namespace n2s
