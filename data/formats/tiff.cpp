// See tiff.h. Two passes over the pages: the first checks that they fit together and that the file can hold what they
// claim, the second decodes.
#include "data/formats/tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/formats/tiff_description.h"
#include "data/formats/tiff_page.h"
#include "data/formats/tiff_source.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// A thumbnail or the lower level of a pyramid, not a plane.
bool is_reduced(const TiffSource& source) {
  std::uint32_t kind = 0;
  return TIFFGetField(source.get(), TIFFTAG_SUBFILETYPE, &kind) == 1 && (kind & FILETYPE_REDUCEDIMAGE) != 0;
}

// Returns the number of pages. Checks all of them against the first one and the file's size.
std::size_t survey_pages(const TiffSource& source, const InputFile& file, const TiffPage& first) {
  std::size_t pages = 0, directory = 0;
  std::uint64_t decoded = 0, stored = 0;
  do {
    if (++directory > 1 && is_reduced(source)) continue;
    const TiffPage page = read_tiff_page(source, file);
    if (!(page == first))
      throw Error(fmt::format("{}: page {} is {}x{}x{} of {} bits, the first one {}x{}x{} of {}; split the file",
                              file.name(), pages + 1, page.width, page.height, page.samples, page.bits, first.width,
                              first.height, first.samples, first.bits));
    const std::uint64_t bytes = tiff_page_bytes(file.name(), page), in_file = tiff_stored_bytes(source, file);
    if (page.compression == COMPRESSION_NONE && in_file < bytes && TIFFIsTiled(source.get()) == 0)
      fail_ends_early(file.name(), in_file, bytes, "a page");
    check_expansion(file.name(), in_file, bytes);
    decoded += bytes;
    stored += in_file;
    ++pages;
    check_memory(file.name(), decoded / sample_bytes(tiff_type(file.name(), first)) * sizeof(float));
  } while (TIFFReadDirectory(source.get()) == 1);
  if (source.has_message() || source.read_past_end()) source.fail();
  check_expansion(file.name(), std::min(stored, file.size()), decoded);
  return pages;
}

// ImageJ leaves all directories but the first one out where the file would exceed 4 GB: planes follow one another.
bool is_contiguous_stack(const TiffSource& source, const InputFile& file, const TiffPage& page,
                         const TiffDescription& description, std::size_t pages) {
  if (!description.imagej || pages != 1 || description.images < 2) return false;
  if (page.compression != COMPRESSION_NONE || page.samples != 1 || TIFFIsTiled(source.get()) != 0) return false;
  const std::uint64_t start = TIFFGetStrileOffset(source.get(), 0), bytes = tiff_page_bytes(file.name(), page);
  const std::uint64_t there = file.size() - std::min(start, file.size());
  // A plane that some program cut out of a stack without mending the description looks the same, and ImageJ cannot open
  // it either: losing planes without a word would be worse.
  if (there / bytes < description.images) fail_ends_early(file.name(), there, description.images * bytes, "planes");
  return true;
}

void read_contiguous(const TiffSource& source, const InputFile& file, const TiffPage& page, std::size_t pages,
                     Image& image) {
  const std::uint64_t start = TIFFGetStrileOffset(source.get(), 0), bytes = tiff_page_bytes(file.name(), page);
  const std::size_t samples = bytes / sample_bytes(image.type);
  std::vector<std::byte> stored(bytes);
  for (std::size_t i = 0; i < pages; ++i) {
    const std::size_t got = file.read_at(start + i * bytes, stored);
    if (got < bytes) fail_ends_early(file.name(), i * bytes + got, pages * bytes, "planes");
    decode_samples(stored, image.type, TIFFIsByteSwapped(source.get()) != 0, {},
                   std::span(image.values).subspan(i * samples, samples));
  }
}

void read_pages(const TiffSource& source, const InputFile& file, const TiffPage& first, SampleType type,
                std::vector<float>& values) {
  if (TIFFSetDirectory(source.get(), 0) == 0) source.fail();
  const std::size_t samples = std::size_t{first.width} * first.height * first.samples;
  std::size_t done = 0;
  bool leading = true;
  do {
    if (!leading && is_reduced(source)) continue;
    leading = false;
    const TiffPage page = read_tiff_page(source, file);
    if (!(page == first) || done + samples > values.size()) source.fail();
    const auto page_values = std::span(values).subspan(done, samples);
    decode_tiff_page(source, file, page, type, page_values);
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

bool is_tiff(const InputFile& file) {
  using namespace std::string_view_literals;
  return file.has_any({"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv});
}

Image read_tiff(const InputFile& file, const ReadOptions&) {
  const TiffSource source(file);
  const TiffPage page = read_tiff_page(source, file);
  Image image;
  image.type = tiff_type(file.name(), page);
  const char* text = nullptr;
  auto header = std::make_shared<TiffHeader>();
  if (TIFFGetField(source.get(), TIFFTAG_IMAGEDESCRIPTION, &text) == 1 && text != nullptr) header->description = text;
  const TiffDescription description = parse_tiff_description(header->description);
  header->info = description.info;
  header->min_is_white = page.photometric == PHOTOMETRIC_MINISWHITE;
  image.header = header;
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
