// See tiff.h: chooses a series of planes and decodes them.
#include "data/formats/tiff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "data/formats/tiff_description.h"
#include "data/formats/tiff_file.h"
#include "data/formats/tiff_series.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

double resolution_spacing(TIFF* tiff, std::uint32_t tag) {
  float per_unit = 0;
  if (TIFFGetField(tiff, tag, &per_unit) != 1 || !std::isfinite(per_unit) || !(per_unit > 0)) return 0;
  return 1 / static_cast<double>(per_unit);
}

struct PlaneSpacing {
  double x = 1, y = 1;
  std::string unit;
};

// Reads the tags of the current directory, which has to be the first one.
PlaneSpacing plane_spacing(TIFF* tiff, const TiffSeries& series, const TiffDescription& description) {
  if (series.x || series.y)
    return {series.x.value_or(*(series.y ? series.y : series.x)), series.y.value_or(*(series.x ? series.x : series.y)),
            series.unit};
  PlaneSpacing spacing = {1, 1, description.unit};
  const double x = resolution_spacing(tiff, TIFFTAG_XRESOLUTION), y = resolution_spacing(tiff, TIFFTAG_YRESOLUTION);
  std::uint16_t unit = RESUNIT_INCH;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
  double scale = 0;
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

std::string describe_series(const TiffFile& file, const TiffContent& content) {
  constexpr std::size_t kMostNamed = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(content.series.size(), kMostNamed); ++i) {
    const TiffSeries& series = content.series[i];
    text += fmt::format("{}{}:", i == 0 ? "" : "; ", i);
    if (!series.name.empty()) text += fmt::format(" '{}'", series.name);
    if (!series.axes.empty()) text += fmt::format(" {}", describe_axes(series.axes));
    const TiffPlane& plane = series.planes.front();
    if (plane.file == 0 && plane.directory < file.directories().size())
      text += fmt::format(" Y={} X={}", file.directories()[plane.directory].page.height,
                          file.directories()[plane.directory].page.width);
  }
  if (content.series.size() > kMostNamed) text += fmt::format("; and {} more", content.series.size() - kMostNamed);
  return text;
}

const TiffSeries& choose_series(const TiffFile& file, const TiffContent& content, const ReadOptions& options) {
  if (!options.axes.empty() && content.names_axes)
    throw Error(fmt::format("{}: --axes {} was given, but the file names its axes itself; leave it out", file.name(),
                            options.axes));
  if (options.series && *options.series >= content.series.size())
    throw Error(fmt::format("{}: there is no series {}; there are: {}", file.name(), *options.series,
                            describe_series(file, content)));
  if (!options.series && content.series.size() > 1)
    throw Error(fmt::format("{}: holds {} series of planes that are no stack together; choose one with --series N: {}",
                            file.name(), content.series.size(), describe_series(file, content)));
  return content.series[options.series.value_or(0)];
}

/// The files that the planes of a series lie in; null: none does.
std::vector<std::unique_ptr<TiffFile>> open_others(const TiffFile& file, const TiffContent& content,
                                                   const TiffSeries& series) {
  std::vector<std::unique_ptr<TiffFile>> others(content.files.size());
  for (const TiffPlane& plane : series.planes) {
    if (plane.file == 0 || others[plane.file]) continue;
    const auto path = std::filesystem::path(file.name()).parent_path() / content.files[plane.file];
    if (!std::filesystem::exists(path))
      throw Error(fmt::format("{}: some of its planes are in the file '{}', which is not beside it; copy it there",
                              file.name(), content.files[plane.file]));
    others[plane.file] = std::make_unique<TiffFile>(std::make_unique<InputFile>(path));
  }
  return others;
}

/// The file of a plane, after a check that it is like the first one.
const TiffFile& checked_file(const TiffFile& file, const std::vector<std::unique_ptr<TiffFile>>& others,
                             const TiffPlane& plane, const TiffPage& first) {
  const TiffFile& in = plane.file == 0 ? file : *others[plane.file];
  if (plane.directory >= in.directories().size())
    throw Error(fmt::format("{}: its metadata names directory {}, but {} has {}: the file is incomplete", file.name(),
                            plane.directory, in.name(), in.directories().size()));
  const TiffPage& page = in.directories()[plane.directory].page;
  if (!(page == first))
    throw Error(fmt::format("{}: page {} is {}x{}x{} of {} bits, the first one {}x{}x{} of {}; split the file",
                            in.name(), plane.directory + 1, page.width, page.height, page.samples, page.bits,
                            first.width, first.height, first.samples, first.bits));
  return in;
}

/// Of the first plane.
TiffPage first_page(const TiffFile& file, const TiffContent& content, const TiffSeries& series) {
  const TiffPlane& first = series.planes.front();
  if (series.contiguous) return file.directories().front().page;
  const auto others = open_others(file, content, {series.name, {}, {first}, false, "", {}, {}});
  const TiffFile& in = first.file == 0 ? file : *others[first.file];
  return in.directories().at(std::min(first.directory, in.directories().size() - 1)).page;
}

class TiffReader final : public ImageReader {
 public:
  TiffReader(std::shared_ptr<const InputFile> input, const ReadOptions& options)
      : ImageReader({}), input_(std::move(input)), file_(*input_) {
    const TiffContent content = find_series(file_, options.axes);
    series_ = choose_series(file_, content, options);
    page_ = first_page(file_, content, series_);
    header().type = tiff_type(file_.name(), page_);
    auto kept = std::make_shared<TiffHeader>();
    kept->description = file_.directories().front().description;
    const TiffDescription description = parse_tiff_description(kept->description);
    kept->info = description.info;
    kept->min_is_white = page_.photometric == PHOTOMETRIC_MINISWHITE;
    header().header = kept;
    set_axes(plane_spacing(file_.handle(), series_, description));
    header().axes_told = content.names_axes || !options.axes.empty() || series_.planes.size() < 2;
    if (series_.contiguous) {
      start_ = file_.contiguous_start(series_.planes.size(), "a stack");
    } else {
      others_ = open_others(file_, content, series_);
      for (const TiffPlane& plane : series_.planes) checked_file(file_, others_, plane, page_);
    }
  }

  void read(std::size_t first, std::span<float> values) override {
    for (std::size_t done = 0; done < values.size(); done += plane_samples(), ++first)
      read_plane(first, values.subspan(done, plane_samples()));
  }

 private:
  void set_axes(const PlaneSpacing& spacing) {
    header().unit = spacing.unit;
    header().axes = series_.axes;
    header().colour = page_.photometric == PHOTOMETRIC_RGB && page_.samples >= 3;
    if (page_.samples > 1) {
      if (find_axis(header().axes, 'C'))
        throw Error(fmt::format("{}: has channels as pages and {} samples per pixel; split the channels", file_.name(),
                                page_.samples));
      header().axes.push_back({'C', page_.samples, 1});
    }
    header().axes.push_back({'Y', page_.height, spacing.y});
    header().axes.push_back({'X', page_.width, spacing.x});
  }

  /// A page of several samples is several planes, which are decoded together.
  void read_plane(std::size_t number, std::span<float> values) {
    const std::size_t page = number / page_.samples;
    if (page_.samples == 1) return decode(page, values);
    if (decoded_ != page) {
      decoded_.reset();
      samples_.resize(plane_samples() * page_.samples);
      decode(page, samples_);
      decoded_ = page;
    }
    const auto from = samples_.begin() + static_cast<std::ptrdiff_t>(number % page_.samples * plane_samples());
    std::copy(from, from + static_cast<std::ptrdiff_t>(values.size()), values.begin());
  }

  void decode(std::size_t page, std::span<float> values) const {
    const TiffPlane& plane = series_.planes[page];
    if (series_.contiguous) return file_.decode_contiguous(start_, plane.directory, header().type, values);
    const TiffFile& in = plane.file == 0 ? file_ : *others_[plane.file];
    in.decode(plane.directory, header().type, values);
  }

  std::shared_ptr<const InputFile> input_;
  TiffFile file_;
  TiffSeries series_;
  TiffPage page_;
  std::vector<std::unique_ptr<TiffFile>> others_;  // of the same places in TiffContent::files
  std::uint64_t start_ = 0;                        // of contiguous planes: bytes
  std::vector<float> samples_;                     // of the page `decoded_`
  std::optional<std::size_t> decoded_;
};

}  // namespace

bool is_tiff(const InputFile& file) {
  using namespace std::string_view_literals;
  return file.has_any({"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv});
}

std::unique_ptr<ImageReader> open_tiff(std::shared_ptr<const InputFile> file, const ReadOptions& options) {
  return std::make_unique<TiffReader>(std::move(file), options);
}

}  // namespace n2s
