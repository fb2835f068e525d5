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

/// OME's name of a sample type.
const char* ome_type(SampleType type) {
  switch (type) {
    case SampleType::uint8:
      return "uint8";
    case SampleType::int8:
      return "int8";
    case SampleType::uint16:
      return "uint16";
    case SampleType::int16:
      return "int16";
    case SampleType::uint32:
      return "uint32";
    case SampleType::int32:
      return "int32";
    case SampleType::float32:
      return "float";
    case SampleType::float64:
      return "double";
    default:
      throw Error(fmt::format("OME-TIFF has no samples of type {}; write .tif without .ome", sample_type_name(type)));
  }
}

void set(pugi::xml_node node, const std::string& name, const std::string& value) {
  pugi::xml_attribute attribute = node.attribute(name.c_str());
  if (!attribute) attribute = node.append_attribute(name.c_str());
  attribute.set_value(value.c_str());
}

void remove_children(pugi::xml_node parent, std::string_view name) {
  for (const pugi::xml_node& child : children(parent, name)) parent.remove_child(child);
}

/// The kept XML where it is of one image, else an empty document of one.
pugi::xml_node pixels_to_fill(pugi::xml_document& document, const Image& image) {
  const auto* kept = kept_header<TiffHeader>(image);
  if (kept != nullptr && is_ome(kept->description) &&
      document.load_buffer(kept->description.data(), kept->description.size())) {
    const std::vector<pugi::xml_node> roots = children(document, "OME");
    const std::vector<pugi::xml_node> images = roots.empty() ? roots : children(roots.front(), "Image");
    if (images.size() == 1 && children(images.front(), "Pixels").size() == 1) {
      pugi::xml_node root = roots.front();
      root.remove_attribute("UUID");  // of the file that was read
      return children(images.front(), "Pixels").front();
    }
  }
  document.reset();
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  set(declaration, "version", "1.0");
  set(declaration, "encoding", "UTF-8");
  pugi::xml_node root = document.append_child("OME");
  constexpr const char* kSchema = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
  set(root, "xmlns", kSchema);
  set(root, "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
  set(root, "xsi:schemaLocation", fmt::format("{0} {0}/ome.xsd", kSchema));
  pugi::xml_node node = root.append_child("Image");
  set(node, "ID", "Image:0");
  pugi::xml_node pixels = node.append_child("Pixels");
  set(pixels, "ID", "Pixels:0");
  return pixels;
}

void set_spacing(pugi::xml_node pixels, const Image& image) {
  const std::string unit = image.unit == "micron" ? "\xc2\xb5m" : image.unit;
  for (const char name : {'X', 'Y', 'Z'}) {
    const std::string key = fmt::format("PhysicalSize{}", name);
    pixels.remove_attribute(key.c_str());
    pixels.remove_attribute((key + "Unit").c_str());
    const auto axis = find_axis(image.axes, name);
    if (!axis || unit.empty()) continue;
    set(pixels, key, fmt::format("{}", image.axes[*axis].spacing));
    set(pixels, key + "Unit", unit);
  }
  pixels.remove_attribute("TimeIncrement");
  if (const auto time = find_axis(image.axes, 'T'))
    set(pixels, "TimeIncrement", fmt::format("{}", image.axes[*time].spacing));
}

/// As many as there are channels; those of the kept XML where their number is right.
void set_channels(pugi::xml_node pixels, std::size_t channels) {
  if (children(pixels, "Channel").size() != channels) {
    remove_children(pixels, "Channel");
    for (std::size_t i = channels; i-- > 0;) {
      pugi::xml_node channel = pixels.prepend_child("Channel");
      set(channel, "ID", fmt::format("Channel:0:{}", i));
    }
  }
  for (pugi::xml_node channel : children(pixels, "Channel")) set(channel, "SamplesPerPixel", "1");
}

struct TextWriter final : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
};

}  // namespace

std::string ome_description(const Image& image, SampleType type) {
  pugi::xml_document document;
  pugi::xml_node pixels = pixels_to_fill(document, image);
  const auto length = [&](char name) {
    const auto axis = find_axis(image.axes, name);
    return axis ? image.axes[*axis].length : 1;
  };
  set(pixels, "DimensionOrder", "XYCZT");
  set(pixels, "Type", ome_type(type));
  set(pixels, "BigEndian", "false");
  for (const char name : {'X', 'Y', 'Z', 'C', 'T'})
    set(pixels, fmt::format("Size{}", name), fmt::format("{}", length(name)));
  pixels.remove_attribute("SignificantBits");
  set_spacing(pixels, image);
  for (const char* stale : {"TiffData", "BinData", "MetadataOnly", "Plane"}) remove_children(pixels, stale);
  set_channels(pixels, length('C'));
  pugi::xml_node data = pixels.insert_child_after("TiffData", children(pixels, "Channel").back());
  set(data, "IFD", "0");
  set(data, "PlaneCount", fmt::format("{}", length('Z') * length('C') * length('T')));
  TextWriter writer;
  document.save(writer, "", pugi::format_raw, pugi::encoding_utf8);
  return writer.text;
}

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
