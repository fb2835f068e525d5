// See zarr_image.h.
#include "data/formats/zarr_image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/formats/zarr_array.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kNamed = 8;  // paths in a message

/// A path in the metadata; it must not lead out of the folder.
fs::path inside(const fs::path& folder, const std::string& path) {
  const fs::path relative = fs::path(path).lexically_normal();
  if (relative.is_absolute() || (!relative.empty() && *relative.begin() == ".."))
    throw Error(fmt::format("{}: the metadata names '{}', which is outside of the folder", folder.string(), path));
  return folder / relative;
}

/// "ome" of version 0.5, or the attributes themselves.
Json ngff_attributes(const fs::path& folder) {
  Json attributes = zarr_attributes(folder);
  const auto ome = attributes.find("ome");
  return ome != attributes.end() && ome->is_object() ? *ome : attributes;
}

std::string joined(std::vector<std::string> names) {
  const std::size_t count = names.size();
  names.resize(std::min(count, kNamed));
  return fmt::format("{}{}", fmt::join(names, ", "), count > kNamed ? fmt::format(" and {} more", count - kNamed) : "");
}

std::vector<std::string> arrays_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code unreadable;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, unreadable))
    if (entry.is_directory(unreadable) && is_zarr_array(entry.path()))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The letter of an axis; nothing for one that is not known.
std::optional<char> zarr_axis_letter(const Json& axis) {
  const std::string name = axis.is_string() ? axis.get<std::string>() : axis.value("name", "");
  const std::string type = axis.is_object() ? axis.value("type", "") : "";
  if (type == "time") return 'T';
  if (type == "channel") return 'C';
  constexpr std::string_view kKnown = "tczyxTCZYX";
  if (name.size() != 1 || kKnown.find(name.front()) == std::string_view::npos) return std::nullopt;
  return name.front() >= 'a' ? static_cast<char>(name.front() - 'a' + 'A') : name.front();
}

std::string letters_of(const fs::path& folder, const Json& multiscale) {
  const auto axes = multiscale.find("axes");
  if (axes == multiscale.end()) return "TCZYX";  // versions 0.1 and 0.2
  std::string letters;
  for (const Json& axis : *axes) {
    const std::optional<char> letter = zarr_axis_letter(axis);
    if (!letter) throw Error(fmt::format("{}: has an axis that is none of t, c, z, y and x", folder.string()));
    letters += *letter;
  }
  return letters;
}

/// Unit of X, and how many seconds a unit of T has.
struct Units {
  std::string unit;
  double second = 1;
};

Units units_of(const Json& multiscale) {
  struct Seconds {
    std::string_view name;
    double seconds;
  };
  constexpr std::array<Seconds, 5> kSeconds{
      {{"second", 1}, {"millisecond", 1e-3}, {"microsecond", 1e-6}, {"minute", 60}, {"hour", 3600}}};
  Units units;
  const Json axes = multiscale.value("axes", Json::array());
  for (const Json& axis : axes) {
    if (!axis.is_object()) continue;
    const std::string unit = axis.value("unit", "");
    for (const ZarrUnit& known : kZarrUnits)
      if (zarr_axis_letter(axis) == 'X' && known.name == unit) units.unit = known.unit;
    for (const Seconds& known : kSeconds)
      if (zarr_axis_letter(axis) == 'T' && known.name == unit) units.second = known.seconds;
  }
  return units;
}

/// Multiplies by the scales of a list of transformations.
void apply_scales(const Json& transformations, std::vector<double>& spacing) {
  if (!transformations.is_array()) return;
  for (const Json& transformation : transformations) {
    const auto scale = transformation.find("scale");
    if (scale == transformation.end() || !scale->is_array() || scale->size() != spacing.size()) continue;
    for (std::size_t i = 0; i < spacing.size(); ++i) spacing[i] *= (*scale)[i].get<double>();
  }
}

const Json& choose_level(const fs::path& folder, const Json& multiscale, const std::string& dataset) {
  const Json& levels = multiscale.at("datasets");
  if (!levels.is_array() || levels.empty()) throw Error(fmt::format("{}: has no resolution level", folder.string()));
  if (dataset.empty()) return levels.front();
  std::vector<std::string> names;
  for (const Json& level : levels) {
    names.push_back(level.at("path").get<std::string>());
    if (names.back() == dataset) return level;
  }
  throw Error(fmt::format("{}: --dataset {}: there is no such resolution level; there are: {}", folder.string(),
                          dataset, joined(names)));
}

ZarrImage multiscale_image(const fs::path& folder, const Json& attributes, const ReadOptions& options) {
  const Json& multiscale = attributes.at("multiscales").at(0);
  const Json& level = choose_level(folder, multiscale, options.dataset);
  ZarrImage image{inside(folder, level.at("path").get<std::string>()), letters_of(folder, multiscale), {}, {}};
  image.spacing.assign(image.axes.size(), 1);
  apply_scales(level.value("coordinateTransformations", Json()), image.spacing);
  apply_scales(multiscale.value("coordinateTransformations", Json()), image.spacing);
  const Units units = units_of(multiscale);
  image.unit = units.unit;
  if (const std::size_t time = image.axes.find('T'); time != std::string::npos) image.spacing[time] *= units.second;
  return image;
}

/// bioformats2raw's images are the groups 0, 1, ...
ZarrImage one_of_series(const fs::path& folder, ReadOptions options) {
  std::size_t count = 0;
  while (is_zarr_folder(folder / std::to_string(count))) ++count;
  if (count == 0) throw Error(fmt::format("{}: holds no image", folder.string()));
  if (!options.series && count > 1)
    throw Error(
        fmt::format("{}: holds {} images; choose one with --series 0 to {}", folder.string(), count, count - 1));
  const std::size_t number = options.series.value_or(0);
  if (number >= count)
    throw Error(fmt::format("{}: --series {}: there are {} images, from 0", folder.string(), number, count));
  options.series.reset();
  return find_zarr_image(folder / std::to_string(number), options);
}

[[noreturn]] void refuse_plate(const fs::path& folder, const Json& plate) {
  std::vector<std::string> wells;
  for (const Json& well : plate.value("wells", Json::array())) wells.push_back(well.value("path", ""));
  throw Error(fmt::format("{}: a plate of {} wells; name a field of one, such as {}: {}", folder.string(), wells.size(),
                          (folder / (wells.empty() ? "A/1" : wells.front()) / "0").string(), joined(wells)));
}

ZarrImage plain_array(const fs::path& folder) {
  const ZarrArray array = open_zarr_array(folder);
  ZarrImage image{folder, {}, {}, {}};
  for (const std::string& name : array.names)
    if (const std::optional<char> letter = zarr_axis_letter(name)) image.axes += *letter;
  if (image.axes.size() != array.shape.size()) image.axes.clear();
  return image;
}

ZarrImage find(const fs::path& folder, const ReadOptions& options) {
  if (is_zarr_array(folder)) return plain_array(folder);
  const Json attributes = ngff_attributes(folder);
  const bool has_series = attributes.contains("bioformats2raw.layout") && !attributes.contains("multiscales");
  if (options.series.value_or(0) > 0 && !has_series)
    throw Error(fmt::format("{}: --series {}: there is one image only", folder.string(), *options.series));
  if (attributes.contains("multiscales")) return multiscale_image(folder, attributes, options);
  if (attributes.contains("plate")) refuse_plate(folder, attributes["plate"]);
  if (has_series) return one_of_series(folder, options);
  if (attributes.contains("well"))
    throw Error(fmt::format("{}: a well of a plate; name one of its fields, such as {}", folder.string(),
                            (folder / "0").string()));
  if (!options.dataset.empty()) {
    const fs::path array = inside(folder, options.dataset);
    if (is_zarr_folder(array)) return find(array, {});
    throw Error(fmt::format("{}: --dataset {}: there is no such array", folder.string(), options.dataset));
  }
  const std::vector<std::string> arrays = arrays_in(folder);
  if (arrays.size() == 1) return plain_array(folder / arrays.front());
  if (arrays.empty()) throw Error(fmt::format("{}: a Zarr group without an image in it", folder.string()));
  throw Error(fmt::format("{}: holds {} arrays; choose one with --dataset: {}", folder.string(), arrays.size(),
                          joined(arrays)));
}

}  // namespace

ZarrImage find_zarr_image(const fs::path& folder, const ReadOptions& options) {
  try {
    return find(folder, options);
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: the metadata of the image is incomplete or damaged", folder.string()));
  }
}

}  // namespace n2s
