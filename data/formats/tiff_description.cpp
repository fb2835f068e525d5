// See tiff_description.h.
#include "data/formats/tiff_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace n2s {
namespace {

std::size_t parse_count(std::string_view text) {
  std::size_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::size_t kMostPlanes = std::size_t{1} << 31;
  return result.ec == std::errc() && value >= 1 && value <= kMostPlanes ? value : 1;
}

struct Unit {
  std::string_view text;
  std::string_view unit;
  double scale;
};

// "\\u00B5" is how ImageJ escapes the micro sign; the other two are Latin-1 and UTF-8 (which also has a Greek mu).
constexpr std::array<Unit, 22> kUnits = {{{"micron", "micron", 1},
                                          {"microns", "micron", 1},
                                          {"um", "micron", 1},
                                          {"\\u00B5m", "micron", 1},
                                          {"\\u00b5m", "micron", 1},
                                          {"\xb5m", "micron", 1},
                                          {"\xc2\xb5m", "micron", 1},
                                          {"\xce\xbcm", "micron", 1},
                                          {"micrometer", "micron", 1},
                                          {"\\u03BCm", "micron", 1},
                                          {"nm", "nm", 1},
                                          {"nanometer", "nm", 1},
                                          {"pm", "nm", 1e-3},
                                          {"\xc3\x85", "nm", 0.1},  // OME's angstrom
                                          {"mm", "mm", 1},
                                          {"millimeter", "mm", 1},
                                          {"cm", "mm", 10},
                                          {"m", "m", 1},
                                          {"meter", "m", 1},
                                          {"inch", "mm", 25.4},
                                          {"inches", "mm", 25.4},
                                          {"pixel", "", 1}}};

void set_unit(TiffDescription& description, std::string_view text) {
  const TiffUnit unit = tiff_unit(text);
  description.unit = unit.name;
  description.unit_scale = unit.scale;
}

void add_page_axis(TiffDescription& description, char name, std::size_t length, double spacing) {
  if (length > 1) description.page_axes.push_back({name, length, spacing});
}

void fill_from_product(TiffDescription& description) {
  std::size_t product = 1;
  bool sensible = true;
  for (const Axis& axis : description.page_axes) {
    sensible = sensible && axis.length <= description.images / product;
    if (sensible) product *= axis.length;
  }
  if (sensible && product == description.images) return;
  description.page_axes.clear();
}

TiffDescription parse_imagej(std::string_view text) {
  TiffDescription description;
  description.imagej = true;
  std::size_t channels = 1, slices = 1, frames = 1;
  std::optional<double> spacing, interval;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals), value = line.substr(equals + 1);
    if (key == "images") description.images = parse_count(value);
    if (key == "channels") channels = parse_count(value);
    if (key == "slices") slices = parse_count(value);
    if (key == "frames") frames = parse_count(value);
    if (key == "spacing") spacing = parse_tiff_spacing(value);
    if (key == "finterval") interval = parse_tiff_spacing(value);
    if (key == "unit") set_unit(description, value);
    constexpr std::array<std::string_view, 6> kKept = {"min", "max", "cf", "c0", "c1", "vunit"};
    if (std::find(kKept.begin(), kKept.end(), key) != kKept.end()) description.info += fmt::format("{}\n", line);
  }
  const double z = spacing.value_or(1) * description.unit_scale;
  add_page_axis(description, 'T', frames, interval.value_or(1));
  add_page_axis(description, 'Z', slices, z);
  add_page_axis(description, 'C', channels, 1);
  fill_from_product(description);
  if (description.page_axes.empty()) add_page_axis(description, 'Z', description.images, z);
  return description;
}

}  // namespace

TiffUnit tiff_unit(std::string_view text) {
  const auto found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.text == text; });
  return found == kUnits.end() ? TiffUnit{} : TiffUnit{std::string(found->unit), found->scale};
}

std::optional<double> parse_tiff_spacing(std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || !std::isfinite(value) || value == 0) return std::nullopt;
  return std::abs(value);  // ImageJ has negative spacings for stacks recorded downwards
}

TiffDescription parse_tiff_description(const std::string& text) {
  return text.starts_with("ImageJ=") ? parse_imagej(text) : TiffDescription{};
}

std::string imagej_description(const Image& image) {
  const auto length = [&](char name) {
    const auto axis = find_axis(image.axes, name);
    return axis ? image.axes[*axis].length : 1;
  };
  const auto spacing = [&](char name) {
    const auto axis = find_axis(image.axes, name);
    return axis ? image.axes[*axis].spacing : 1;
  };
  const std::size_t channels = length('C'), slices = length('Z'), frames = length('T');
  const int long_axes = (channels > 1 ? 1 : 0) + (slices > 1 ? 1 : 0) + (frames > 1 ? 1 : 0);
  std::string text = fmt::format("ImageJ=1.54f\nimages={}\n", channels * slices * frames);
  if (channels > 1) text += fmt::format("channels={}\n", channels);
  if (slices > 1) text += fmt::format("slices={}\n", slices);
  if (frames > 1) text += fmt::format("frames={}\n", frames);
  if (long_axes > 1 || channels > 1) text += "hyperstack=true\n";
  text += image.colour ? "mode=composite\n" : "mode=grayscale\n";
  if (!image.unit.empty()) text += fmt::format("unit={}\n", image.unit);
  if (slices > 1) text += fmt::format("spacing={}\n", spacing('Z'));
  if (frames > 1) text += fmt::format("finterval={}\n", spacing('T'));
  text += "loop=false\n";
  const auto* kept = kept_header<TiffHeader>(image);
  return text + (kept != nullptr ? kept->info : "");
}

}  // namespace n2s
