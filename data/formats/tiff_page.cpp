// Reads one TIFF page: its shape, and the values of its strips or tiles.
#include "data/formats/tiff_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// How one strip or tile lies in the page: a block of `rows` by `columns` at (top, left).
struct Block {
  std::uint32_t top, left, rows, columns;  // pixels, clipped to the page
  std::uint32_t stored_columns;            // tiles are stored whole, also where they stick out
  std::uint16_t samples, first_sample;     // samples in this block, interleaved
};

// `stored` is interleaved by pixel, `page_values` are samples x height x width.
void place_block(const TiffPage& page, const Block& block, std::span<const std::byte> stored, SampleType type,
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

void decode_strips(const TiffSource& source, const InputFile& file, const TiffPage& page, SampleType type,
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

void decode_tiles(const TiffSource& source, const InputFile& file, const TiffPage& page, SampleType type,
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
  // Tiles stick out of small pages, but one that is far larger than its page is a damaged size.
  constexpr std::uint64_t kLargestTile = std::uint64_t{64} << 20;  // bytes
  const std::uint64_t page_bytes = page_values.size() * sample_bytes(type);
  if (tile_bytes > std::max(kLargestTile, 4 * page_bytes))
    throw Error(fmt::format("{}: tiles of {}x{} pixels for pages of {}x{}; the file is damaged", file.name(),
                            tile_width, tile_height, page.width, page.height));
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

/// Names of compressions that libtiff does not decode; some have several numbers.
std::string compression_name(std::uint16_t compression) {
  switch (compression) {
    case 33003:
    case 33004:
    case 33005:
    case 33007:
    case 34712:
      return "JPEG 2000";
    case 22610:
    case 34934:
      return "JPEG XR";
    case 50002:
    case 52546:
      return "JPEG XL";
    case 34892:
      return "lossy JPEG of DNG";
    default:
      break;
  }
  const TIFFCodec* codec = TIFFFindCODEC(compression);
  return codec != nullptr && codec->name != nullptr ? codec->name : fmt::format("number {}", compression);
}

void check_compression(const std::string& name, std::uint16_t compression) {
  if (TIFFIsCODECConfigured(compression) != 0) return;
  throw Error(
      fmt::format("{}: its compression ({}) is not supported; save it uncompressed, or with LZW, Deflate or "
                  "ZSTD (ImageJ: File > Save As > Tiff)",
                  name, compression_name(compression)));
}

}  // namespace

SampleType tiff_type(const std::string& name, const TiffPage& page) {
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

TiffPage read_tiff_page(const TiffSource& source, const InputFile& file) {
  TIFF* tiff = source.get();
  TiffPage page;
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
  check_compression(file.name(), page.compression);
  if (page.photometric == PHOTOMETRIC_YCBCR) {
    // Colour differences may be at half resolution; libtiff undoes that for JPEG only.
    if (page.compression != COMPRESSION_JPEG)
      throw Error(fmt::format("{}: holds YCbCr colours; convert it to RGB or grey", file.name()));
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    page.photometric = PHOTOMETRIC_RGB;
  }
  return page;
}

std::uint64_t tiff_page_bytes(const std::string& name, const TiffPage& page) {
  // At most 2^32 * 2^32 * 2^16: the product of the first two is checked before the third.
  const std::uint64_t pixels = std::uint64_t{page.width} * page.height;
  if (pixels > (std::uint64_t{1} << 44))
    throw Error(fmt::format("{}: a page of {}x{} pixels is too large", name, page.width, page.height));
  return pixels * page.samples * sample_bytes(tiff_type(name, page));
}

std::uint64_t tiff_stored_bytes(const TiffSource& source, const InputFile& file) {
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

void decode_tiff_page(const TiffSource& source, const InputFile& file, const TiffPage& page, SampleType type,
                      std::span<float> page_values) {
  if (TIFFIsTiled(source.get()) != 0) {
    decode_tiles(source, file, page, type, page_values);
  } else {
    decode_strips(source, file, page, type, page_values);
  }
}

}  // namespace n2s
