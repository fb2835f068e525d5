// See tiff_series.h: each source of order in turn; the first that the file has decides.
#include "data/formats/tiff_series.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/formats/tiff_description.h"
#include "data/formats/tiff_microscopes.h"
#include "data/formats/tiff_ome.h"
#include "data/json_text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

std::string folder_text(const TiffFile& file, const std::string& name) {
  const InputFile text(std::filesystem::path(file.name()).parent_path() / name);
  constexpr std::uint64_t kLongest = std::uint64_t{256} << 20;  // bytes
  if (text.size() > kLongest) throw Error(fmt::format("{}: too long to be OME metadata", text.name()));
  std::string content(static_cast<std::size_t>(text.size()), '\0');
  text.read_at(0, std::as_writable_bytes(std::span(content)));
  return content;
}

[[noreturn]] void fail_missing_planes(const TiffFile& file, const OmeImage& image, std::size_t missing) {
  throw Error(
      fmt::format("{}: its OME metadata promises {} planes, but names no directory for {} of them: the recording may "
                  "have been cut short; save the file again (ImageJ: File > Save As > Tiff)",
                  file.name(), image.planes.size(), missing));
}

TiffContent ome_series(const TiffFile& file, const std::string& description) {
  const std::size_t samples = file.directories().front().page.samples;
  OmeDocument document = parse_ome(file.name(), description, samples);
  if (document.images.empty() && !document.metadata_file.empty())
    document = parse_ome(file.name(), folder_text(file, document.metadata_file), samples);
  if (document.images.empty()) throw Error(fmt::format("{}: its OME metadata names no image", file.name()));
  TiffContent content{{}, {""}, true};
  for (const OmeImage& image : document.images) {
    TiffSeries series{image.name, image.axes, {}, false, image.unit, image.x, image.y};
    const auto missing = std::count(image.planes.begin(), image.planes.end(), std::nullopt);
    if (missing > 0) fail_missing_planes(file, image, static_cast<std::size_t>(missing));
    for (const std::optional<OmePlane>& plane : image.planes) {
      auto known = std::find(content.files.begin(), content.files.end(), plane->file);
      if (known == content.files.end()) known = content.files.insert(content.files.end(), plane->file);
      series.planes.push_back({static_cast<std::size_t>(known - content.files.begin()), plane->directory});
    }
    content.series.push_back(std::move(series));
  }
  return content;
}

TiffContent imagej_series(const TiffFile& file, const TiffDescription& description) {
  TiffSeries series{"", description.page_axes, full_planes(file), false, description.unit, {}, {}};
  // ImageJ leaves all directories but the first one out where the file would exceed 4 GB: planes follow one another.
  const TiffPage& page = file.directories().front().page;
  if (series.planes.size() == 1 && description.images > 1 && page.compression == COMPRESSION_NONE &&
      page.samples == 1) {
    file.contiguous_start(description.images, "an ImageJ stack");
    series.contiguous = true;
    series.planes.clear();
    for (std::size_t i = 0; i < description.images; ++i) series.planes.push_back({0, i});
  }
  // Planes were cut out or added by a program that did not mend the text: along one axis the order is still clear.
  if (description.page_axes.size() <= 1 && series.planes.size() > 1) {
    const Axis axis = description.page_axes.empty() ? Axis{'Z', 1, 1} : description.page_axes.front();
    series.axes = {{axis.name, series.planes.size(), axis.spacing}};
    return {{series}, {""}, true};
  }
  if (series.planes.size() != description.images)
    throw Error(
        fmt::format("{}: its ImageJ description tells of {} planes, but there are {}: which is which cannot be "
                    "known; save it again (ImageJ: File > Save As > Tiff)",
                    file.name(), description.images, series.planes.size()));
  return {{series}, {""}, true};
}

struct Shape {
  std::vector<std::size_t> lengths;
  std::string axes;  // empty: not told
};

/// tifffile's description: {"shape": [3, 6, 64, 64], "axes": "TZYX"}.
std::optional<Shape> shape_of(const std::string& description) {
  if (!tells_shape(description)) return std::nullopt;
  try {
    const nlohmann::json json = parse_json(description);
    Shape shape{json.at("shape").get<std::vector<std::size_t>>(), json.value("axes", "")};
    std::replace(shape.axes.begin(), shape.axes.end(), 'I', 'Z');  // "a sequence of images"
    if (shape.axes.find_first_not_of("TCZYXS") != std::string::npos) shape.axes.clear();
    return shape;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// The axes of pages, with names from `axes` or `own`.
std::vector<Axis> page_axes(const TiffFile& file, const TiffPage& page, std::vector<std::size_t> lengths,
                            const std::string& axes, const std::string& own) {
  lengths.push_back(page.height);
  lengths.push_back(page.width);
  std::vector<Axis> named = named_axes(file.name(), lengths, axes, own);
  if (named[named.size() - 2].name != 'Y' || named.back().name != 'X')
    throw Error(fmt::format("{}: --axes {}: the pages of a TIFF are rows by columns, so the names end in YX",
                            file.name(), axes));
  named.resize(named.size() - 2);
  return named;
}

/// The axes of `shape` that are pages. Nothing where it does not end in the page's own shape.
std::optional<std::vector<std::size_t>> leading_lengths(const Shape& shape, const TiffPage& page) {
  std::vector<std::size_t> tail{page.height, page.width};
  if (page.samples > 1)
    tail.insert(page.planar == PLANARCONFIG_CONTIG ? tail.end() : tail.begin(), std::size_t{page.samples});
  if (shape.lengths.size() < tail.size() || !std::equal(tail.rbegin(), tail.rend(), shape.lengths.rbegin()))
    return std::nullopt;
  return std::vector<std::size_t>(shape.lengths.begin(),
                                  shape.lengths.end() - static_cast<std::ptrdiff_t>(tail.size()));
}

std::optional<std::size_t> product_of(const std::vector<std::size_t>& lengths) {
  constexpr std::size_t kMost = std::size_t{1} << 32;
  std::size_t product = 1;
  for (const std::size_t length : lengths) {
    if (length == 0 || length > kMost / product) return std::nullopt;
    product *= length;
  }
  return product;
}

/// One series of tifffile that begins at planes[first]; nothing where the shape does not fit the file.
std::optional<TiffSeries> shaped_series(const TiffFile& file, const std::vector<TiffPlane>& planes, std::size_t first,
                                        const std::string& axes, bool& names_axes) {
  const TiffDirectory& directory = file.directories()[planes[first].directory];
  const std::optional<Shape> shape = shape_of(directory.description);
  if (!shape) return std::nullopt;
  const auto lengths = leading_lengths(*shape, directory.page);
  const std::optional<std::size_t> count = lengths ? product_of(*lengths) : std::nullopt;
  if (!count) return std::nullopt;
  const bool alone = planes.size() == 1 && *count > 1;  // tifffile's truncate=True
  if (!alone && *count > planes.size() - first) return std::nullopt;
  TiffSeries series;
  std::string own = shape->axes;
  own.erase(std::remove(own.begin(), own.end(), 'S'), own.end());
  names_axes = names_axes || !own.empty();
  series.axes = page_axes(file, directory.page, *lengths, axes, own);
  series.contiguous = alone;
  if (alone) file.contiguous_start(*count, "a truncated TIFF");
  for (std::size_t i = 0; i < *count; ++i) series.planes.push_back({0, alone ? i : planes[first + i].directory});
  return series;
}

/// Pages of the same size and type are a series; where tifffile has told shapes, these.
TiffContent plain_series(const TiffFile& file, const std::string& axes) {
  TiffContent content{{}, {""}, false};
  const std::vector<TiffPlane> planes = full_planes(file);
  for (std::size_t first = 0; first < planes.size();) {
    std::optional<TiffSeries> series = shaped_series(file, planes, first, axes, content.names_axes);
    if (!series) break;
    first += series->contiguous ? 1 : series->planes.size();
    content.series.push_back(std::move(*series));
    if (first == planes.size()) return content;
  }
  content.series.clear();
  std::vector<TiffPage> pages;
  for (const TiffPlane& plane : planes) {
    const TiffPage& page = file.directories()[plane.directory].page;
    const auto same = std::find(pages.begin(), pages.end(), page);
    if (same == pages.end()) {
      pages.push_back(page);
      content.series.emplace_back();
      content.series.back().planes.push_back(plane);
    } else {
      content.series[static_cast<std::size_t>(same - pages.begin())].planes.push_back(plane);
    }
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    std::vector<std::size_t> lengths;
    if (content.series[i].planes.size() > 1) lengths.push_back(content.series[i].planes.size());
    content.series[i].axes = page_axes(file, pages[i], lengths, pages.size() == 1 ? axes : "", "");
  }
  return content;
}

}  // namespace

std::vector<TiffPlane> full_planes(const TiffFile& file) {
  std::vector<TiffPlane> planes;
  for (std::size_t i = 0; i < file.directories().size(); ++i)
    if (!file.directories()[i].reduced) planes.push_back({0, i});
  return planes;
}

TiffContent find_series(const TiffFile& file, const std::string& axes) {
  const std::string& description = file.directories().front().description;
  if (is_ome(description)) return ome_series(file, description);
  if (auto series = stk_series(file)) return {{std::move(*series)}, {""}, true};
  if (auto series = lsm_series(file)) return {{std::move(*series)}, {""}, true};
  if (auto series = scanimage_series(file)) return {{std::move(*series)}, {""}, true};
  if (const TiffDescription imagej = parse_tiff_description(description); imagej.imagej)
    return imagej_series(file, imagej);
  return plain_series(file, axes);
}

}  // namespace n2s
