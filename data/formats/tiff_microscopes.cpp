// See tiff_microscopes.h.
#include "data/formats/tiff_microscopes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "data/formats/tiff_description.h"
#include "data/formats/tiff_raw.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// --- MetaMorph

constexpr std::uint16_t kUic1 = 33628;
constexpr std::uint16_t kUic2 = 33629;

double rational_at(const TiffBytes& bytes, std::uint64_t offset) {
  const auto denominator = static_cast<double>(bytes.unsigned_at(offset + 4, 4));
  return denominator > 0 ? static_cast<double>(bytes.unsigned_at(offset, 4)) / denominator : 0;
}

/// UIC1 is a list of (number, value) pairs of 4 bytes each; of a rational or a text the value is its place in the file.
void read_stk_calibration(const TiffBytes& bytes, TiffSeries& series) {
  constexpr std::uint64_t kX = 4, kY = 5, kUnit = 6;
  const std::optional<RawTag> tag = find_raw_tag(bytes, kUic1);
  if (!tag) return;
  std::string unit;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(tag->count, 256); ++i) {
    const std::uint64_t id = bytes.unsigned_at(tag->offset + 8 * i, 4);
    const std::uint64_t value = bytes.unsigned_at(tag->offset + 8 * i + 4, 4);
    if (id == kX) series.x = rational_at(bytes, value);
    if (id == kY) series.y = rational_at(bytes, value);
    if (id != kUnit) continue;
    const std::uint64_t length = std::min<std::uint64_t>(bytes.unsigned_at(value, 4), 32);
    for (std::uint64_t c = 0; c < length; ++c) unit += static_cast<char>(bytes.unsigned_at(value + 4 + c, 1));
    unit.resize(unit.find_last_not_of('\0') + 1);
  }
  const TiffUnit known = tiff_unit(unit);
  for (std::optional<double>* spacing : {&series.x, &series.y}) {
    if (*spacing) *spacing = **spacing * known.scale;
    if (*spacing && !(**spacing > 0 && std::isfinite(**spacing))) spacing->reset();
  }
  series.unit = known.name;
  if (known.name.empty()) series.x = series.y = std::nullopt;
}

// --- Zeiss

constexpr std::uint16_t kLsmInfo = 34412;

// --- ScanImage

/// The text behind "KEY = " in lines of settings; empty where there is no such line.
std::string_view setting(std::string_view text, std::string_view key) {
  const std::string start = fmt::format("{} = ", key);
  const std::size_t found = text.find(start);
  if (found == std::string_view::npos) return {};
  const std::string_view rest = text.substr(found + start.size());
  return rest.substr(0, std::min(rest.find_first_of("\r\n"), rest.size()));
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() ? value : 0;
}

/// The first of `keys` that is set to a number above 0; else 1.
std::size_t count_setting(std::string_view text, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const std::size_t value = number(setting(text, key)); value > 0) return value;
  return 1;
}

/// "[1;2;4]" and "1"
std::size_t listed_numbers(std::string_view list) {
  std::size_t count = 0;
  bool in_number = false;
  for (const char c : list) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !in_number) ++count;
    in_number = digit;
  }
  return std::max<std::size_t>(1, count);
}

}  // namespace

std::optional<TiffSeries> stk_series(const TiffFile& file) {
  const TiffBytes bytes(file.input());
  const std::optional<RawTag> tag = find_raw_tag(bytes, kUic2);
  if (!tag || tag->count == 0) return std::nullopt;
  constexpr std::uint64_t kMostPlanes = std::uint64_t{1} << 24;
  const auto planes = static_cast<std::size_t>(std::min(tag->count, kMostPlanes));
  TiffSeries series{"MetaMorph stack", {}, {}, true, "", {}, {}};
  if (planes == 1) {
    series.contiguous = false;
    series.planes = full_planes(file);
    if (series.planes.size() > 1) return std::nullopt;
  } else {
    file.contiguous_start(planes, "a MetaMorph stack (STK)");
    for (std::size_t i = 0; i < planes; ++i) series.planes.push_back({0, i});
  }
  read_stk_calibration(bytes, series);
  // Each plane has six numbers of 4 bytes, the first two of which are its distance from the one before.
  constexpr std::uint64_t kEntry = 24;
  const double step = planes > 1 ? rational_at(bytes, tag->offset + kEntry) : 0;
  if (planes > 1) series.axes = {{step > 0 ? 'Z' : 'T', planes, step > 0 ? step : 1}};
  return series;
}

std::optional<TiffSeries> lsm_series(const TiffFile& file) {
  const TiffBytes bytes(file.input());
  const std::optional<RawTag> tag = find_raw_tag(bytes, kLsmInfo);
  if (!tag) return std::nullopt;
  if (file.input().size() > (std::uint64_t{1} << 32))
    throw Error(fmt::format("{}: an LSM file beyond 4 GB, whose offsets are cut to 32 bits; export it as OME-TIFF",
                            file.name()));
  const auto length = [&](std::uint64_t at) {
    return static_cast<std::size_t>(std::max<std::uint64_t>(1, bytes.unsigned_at(tag->offset + at, 4)));
  };
  const auto spacing = [&](std::uint64_t at) {
    const double metres = bytes.double_at(tag->offset + at);
    return metres > 0 && std::isfinite(metres) ? metres * 1e6 : 1;
  };
  const std::size_t slices = length(16);
  const std::size_t times = length(24);
  TiffSeries series{"LSM", {}, full_planes(file), false, "micron", spacing(40), spacing(48)};
  constexpr std::uint64_t kScanType = 88;
  const std::uint64_t scan = bytes.unsigned_at(tag->offset + kScanType, 2);
  const bool time_is_fast = scan >= 3 && scan <= 5;  // series of times at one place
  const Axis z{'Z', slices, spacing(56)};
  const Axis t{'T', times, 1};
  const std::array<Axis, 2> order = time_is_fast ? std::array{z, t} : std::array{t, z};
  for (const Axis& axis : order)
    if (axis.length > 1) series.axes.push_back(axis);
  if (series.planes.size() != slices * times)
    throw Error(
        fmt::format("{}: its LSM header tells of {} slices and {} times, but there are {} planes: which is "
                    "which cannot be known; export it as OME-TIFF",
                    file.name(), slices, times, series.planes.size()));
  return series;
}

std::optional<TiffSeries> scanimage_series(const TiffFile& file) {
  const std::string text =
      fmt::format("{}\n{}", file.text_tag(TIFFTAG_SOFTWARE), file.directories().front().description);
  std::string_view channels_saved;
  for (const std::string_view key : {"SI.hChannels.channelSave", "scanimage.SI5.channelsSave",
                                     "scanimage.SI4.channelsSave", "scanimage.SI.hChannels.channelSave"})
    if (channels_saved.empty()) channels_saved = setting(text, key);
  if (channels_saved.empty()) return std::nullopt;
  const std::size_t channels = listed_numbers(channels_saved);
  const std::size_t slices = count_setting(text, {"SI.hStackManager.actualNumSlices", "SI.hStackManager.numSlices",
                                                  "scanimage.SI5.stackNumSlices", "scanimage.SI4.stackNumSlices"});
  const std::string_view fast_focus = setting(text, "SI.hFastZ.enable");
  const bool fast = fast_focus == "true" || fast_focus == "1" ||
                    setting(text, "SI.hStackManager.stackMode") == "'fast'" ||
                    setting(text, "scanimage.SI4.fastZEnable") == "1";
  const std::size_t in_volume =  // with the planes in which the focus returns
      fast ? std::max(slices, count_setting(text, {"SI.hStackManager.numFramesPerVolumeWithFlyback",
                                                   "SI.hFastZ.numFramesPerVolume"}))
           : slices;
  const std::vector<TiffPlane> pages = full_planes(file);
  const std::size_t frames = pages.size() / channels / in_volume;
  if (frames == 0 || frames * channels * in_volume != pages.size())
    throw Error(
        fmt::format("{}: its ScanImage settings tell of {} channels and {} planes in a volume, but there are {} "
                    "planes: the recording may have been cut short; which is which cannot be known",
                    file.name(), channels, in_volume, pages.size()));
  TiffSeries series{"ScanImage", {}, {}, false, "", {}, {}};
  const Axis t{'T', frames, 1};
  const Axis z{'Z', slices, 1};
  const std::array<Axis, 3> order{fast ? t : z, fast ? z : t, Axis{'C', channels, 1}};
  for (const Axis& axis : order)
    if (axis.length > 1) series.axes.push_back(axis);
  for (std::size_t i = 0; i < pages.size(); ++i)
    if (!fast || i / channels % in_volume < slices) series.planes.push_back(pages[i]);
  return series;
}

}  // namespace n2s
