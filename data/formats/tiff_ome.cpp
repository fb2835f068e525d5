// See tiff_ome.h. pugixml resolves no external entities, so a file cannot make it read others.
#include "data/formats/tiff_ome.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <pugixml.hpp>
#include <set>
#include <string_view>

#include "data/formats/tiff_description.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kMostPlanes = std::size_t{1} << 20;

/// Elements may have a namespace's prefix.
bool is_named(const pugi::xml_node& node, std::string_view name) {
  std::string_view full = node.name();
  if (const auto colon = full.rfind(':'); colon != std::string_view::npos) full.remove_prefix(colon + 1);
  return full == name;
}

std::vector<pugi::xml_node> children(const pugi::xml_node& parent, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node& child : parent.children())
    if (is_named(child, name)) found.push_back(child);
  return found;
}

std::optional<std::size_t> count_of(const pugi::xml_node& node, const char* attribute) {
  const pugi::xml_attribute found = node.attribute(attribute);
  if (!found) return std::nullopt;
  return static_cast<std::size_t>(found.as_ullong());
}

std::string bare_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

/// What the whole document says about files.
struct Names {
  std::string file;           // that is being read, without folders
  std::string uuid;           // its own
  bool one_file_only = true;  // all planes are in one file, whatever its name was
};

Names names_of(const std::string& file, const pugi::xml_node& root) {
  Names names{bare_name(file), root.attribute("UUID").value(), true};
  std::set<std::string> mentioned;
  for (const pugi::xml_node& image : children(root, "Image"))
    for (const pugi::xml_node& pixels : children(image, "Pixels"))
      for (const pugi::xml_node& data : children(pixels, "TiffData"))
        for (const pugi::xml_node& uuid : children(data, "UUID"))
          if (const std::string name = uuid.attribute("FileName").value(); !name.empty()) mentioned.insert(name);
  names.one_file_only = mentioned.size() <= 1;
  return names;
}

std::string file_of(const pugi::xml_node& data, const Names& names) {
  const auto uuids = children(data, "UUID");
  if (uuids.empty() || names.one_file_only) return "";
  const std::string uuid = uuids.front().child_value();
  std::string name = bare_name(uuids.front().attribute("FileName").value());
  if (name.empty() || name == names.file || (!names.uuid.empty() && uuid == names.uuid)) return "";
  return name;
}

/// One of Z, C and T, in the order in which planes are stored, fastest first.
struct Dimension {
  char name;
  std::size_t length;
};

std::array<Dimension, 3> dimensions_of(const std::string& file, const pugi::xml_node& pixels, std::size_t samples) {
  std::string order = pixels.attribute("DimensionOrder").as_string("XYCZT");
  std::string sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != "CTXYZ" || !order.starts_with("XY"))
    throw Error(fmt::format("{}: its OME metadata has the order of dimensions '{}'; it is damaged", file, order));
  std::array<Dimension, 3> dimensions{};
  std::size_t product = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    const char name = order[i + 2];
    std::size_t length = count_of(pixels, fmt::format("Size{}", name).c_str()).value_or(1);
    if (name == 'C' && samples > 1 && length % samples == 0) length /= samples;
    if (length == 0 || length > kMostPlanes / product)
      throw Error(fmt::format("{}: its OME metadata has {} planes along {}; it is damaged", file, length, name));
    product *= length;
    dimensions.at(i) = {name, length};
  }
  return dimensions;
}

/// Positions of planes in storage order; `next` is the directory that a TiffData without IFD begins at.
std::vector<std::optional<OmePlane>> stored_planes(const pugi::xml_node& pixels,
                                                   const std::array<Dimension, 3>& dimensions, const Names& names,
                                                   std::size_t& next) {
  const std::size_t total = dimensions[0].length * dimensions[1].length * dimensions[2].length;
  std::vector<std::optional<OmePlane>> planes(total);
  std::vector<pugi::xml_node> entries = children(pixels, "TiffData");
  if (entries.empty()) entries.push_back(pugi::xml_node());
  for (const pugi::xml_node& data : entries) {
    std::size_t position = 0;
    std::size_t stride = 1;
    for (const Dimension& dimension : dimensions) {
      const std::size_t first = count_of(data, fmt::format("First{}", dimension.name).c_str()).value_or(0);
      if (first >= dimension.length) position = total;
      position = std::min(total, position + std::min(total, first) * stride);
      stride *= dimension.length;
    }
    const std::optional<std::size_t> ifd = count_of(data, "IFD");
    const bool bare = !data.first_attribute();
    const std::size_t directory = ifd.value_or(bare ? next : 0);
    const std::size_t count = std::min(count_of(data, "PlaneCount").value_or(ifd ? 1 : total), total - position);
    const std::string file = data ? file_of(data, names) : "";
    for (std::size_t i = 0; i < count; ++i) planes[position + i] = OmePlane{file, directory + i};
    if (file.empty()) next = std::max(next, directory + count);
  }
  return planes;
}

OmeImage image_of(const std::string& file, const pugi::xml_node& node, const pugi::xml_node& pixels,
                  std::size_t samples, const Names& names, std::size_t& next) {
  OmeImage image;
  image.name = node.attribute("Name").value();
  const TiffUnit unit = tiff_unit(pixels.attribute("PhysicalSizeXUnit").as_string("um"));
  const auto spacing = [&](const char* attribute) -> std::optional<double> {
    const std::optional<double> value = parse_tiff_spacing(pixels.attribute(attribute).value());
    return value ? std::optional(*value * unit.scale) : std::nullopt;
  };
  image.x = spacing("PhysicalSizeX");
  image.y = spacing("PhysicalSizeY");
  if (image.x || image.y) image.unit = unit.name;
  const std::array<Dimension, 3> dimensions = dimensions_of(file, pixels, samples);
  image.planes = stored_planes(pixels, dimensions, names, next);
  for (std::size_t i = 3; i-- > 0;) {
    const auto [name, length] = dimensions.at(i);
    if (length == 1) continue;
    const double step = name == 'Z'   ? spacing("PhysicalSizeZ").value_or(1)
                        : name == 'T' ? parse_tiff_spacing(pixels.attribute("TimeIncrement").value()).value_or(1)
                                      : 1;
    image.axes.push_back({name, length, step});
  }
  return image;
}

}  // namespace

bool is_ome(const std::string& description) {
  return description.find("<OME") != std::string::npos || description.find(":OME ") != std::string::npos;
}

OmeDocument parse_ome(const std::string& file, const std::string& xml, std::size_t samples) {
  pugi::xml_document parsed;
  const pugi::xml_parse_result result = parsed.load_buffer(xml.data(), xml.size());
  if (!result)
    throw Error(fmt::format("{}: its OME metadata is damaged ({} at character {}); copy or download it again", file,
                            result.description(), result.offset));
  OmeDocument document;
  const std::vector<pugi::xml_node> roots = children(parsed, "OME");
  if (roots.empty()) throw Error(fmt::format("{}: its OME metadata has no OME element; it is damaged", file));
  const pugi::xml_node& root = roots.front();
  for (const pugi::xml_node& binary : children(root, "BinaryOnly"))
    document.metadata_file = bare_name(binary.attribute("MetadataFile").value());
  const Names names = names_of(file, root);
  std::size_t next = 0;
  for (const pugi::xml_node& image : children(root, "Image"))
    for (const pugi::xml_node& pixels : children(image, "Pixels"))
      document.images.push_back(image_of(file, image, pixels, samples, names, next));
  return document;
}

}  // namespace n2s
