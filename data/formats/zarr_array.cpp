// See zarr_array.h.
#include "data/formats/zarr_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "data/input_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kLargestChunk = std::size_t{1} << 31;      // bytes
constexpr std::size_t kLargestMetadata = std::size_t{16} << 20;  // bytes
constexpr std::size_t kMostZarrDimensions = 16;

/// The object in a file of metadata.
Json read_json(const fs::path& path) {
  const InputFile file(path);
  if (file.size() > kLargestMetadata) throw Error(fmt::format("{}: too large for metadata", file.name()));
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  try {
    Json json = parse_json(text);
    if (json.is_object()) return json;
  } catch (const Json::exception&) {
  }
  throw Error(fmt::format("{}: the metadata cannot be understood; the file is damaged", path.string()));
}

/// Reads the metadata of one array; errors name its folder.
class Parser {
 public:
  explicit Parser(const fs::path& folder) { array_.folder = folder; }

  ZarrArray version2() {
    json_ = read_json(array_.folder / ".zarray");
    sizes(json_.at("shape"), array_.shape);
    sizes(json_.at("chunks"), array_.chunks);
    type_of_numpy(json_.at("dtype"));
    in_order(array_.shape.size());
    if (json_.at("order") == "F") std::reverse(array_.order.begin(), array_.order.end());
    if (const Json& filters = json_.value("filters", Json()); !filters.is_null() && !filters.empty())
      unsupported("filter", filters.front().value("id", "?"));
    if (const Json& compressor = json_.value("compressor", Json()); !compressor.is_null())
      add_codec(compressor.at("id").get<std::string>());
    array_.separator = json_.value("dimension_separator", ".").front();
    fill(json_.value("fill_value", Json()));
    const Json attributes = zarr_attributes(array_.folder);
    if (const auto names = attributes.find("_ARRAY_DIMENSIONS"); names != attributes.end() && names->is_array())
      dimension_names(*names);
    packing(attributes);
    return checked();
  }

  ZarrArray version3() {
    json_ = read_json(array_.folder / "zarr.json");
    sizes(json_.at("shape"), array_.shape);
    if (json_.at("chunk_grid").at("name") != "regular") unsupported("chunk grid", json_["chunk_grid"]["name"]);
    sizes(json_["chunk_grid"].at("configuration").at("chunk_shape"), array_.chunks);
    type_of_name(json_.at("data_type"));
    in_order(array_.shape.size());
    const Json& keys = json_.at("chunk_key_encoding");
    const bool is_default = keys.at("name") == "default";
    if (!is_default && keys["name"] != "v2") unsupported("chunk key encoding", keys["name"]);
    array_.separator = keys.value("configuration", Json::object()).value("separator", is_default ? "/" : ".").front();
    if (is_default) array_.prefix = std::string{'c', array_.separator};
    for (const Json& codec : json_.at("codecs")) codec3(codec);
    if (const Json& transformers = json_.value("storage_transformers", Json()); !transformers.empty())
      unsupported("storage transformer", transformers.front().value("name", "?"));
    fill(json_.value("fill_value", Json()));
    if (const auto names = json_.find("dimension_names"); names != json_.end() && names->is_array())
      dimension_names(*names);
    packing(json_.value("attributes", Json::object()));
    return checked();
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw Error(fmt::format("{}: {}; the metadata is damaged", array_.folder.string(), what));
  }
  [[noreturn]] void unsupported(const char* what, const Json& name) const {
    throw Error(fmt::format("{}: the {} '{}' is not supported; write it again with blosc, zstd or gzip alone",
                            array_.folder.string(), what,
                            name.is_string() ? name.get<std::string>() : json_text(name)));
  }

  void sizes(const Json& json, std::vector<std::size_t>& into) const {
    if (!json.is_array() || json.size() > kMostZarrDimensions) damaged("the shape is no list of sizes");
    for (const Json& size : json) {
      if (!size.is_number_unsigned() || size.get<std::uint64_t>() == 0) damaged("a size is no number above 0");
      into.push_back(size.get<std::size_t>());
    }
  }

  /// "<u2", "|b1"
  void type_of_numpy(const Json& json) {
    const std::string text = json.is_string() ? json.get<std::string>() : "";
    if (text.size() < 3) unsupported("sample type", json);
    const bool is_big = text.front() == '>';
    array_.swapped = text.front() != '|' && is_big != (std::endian::native == std::endian::big);
    std::string name = text.substr(1);
    if (name == "b1") name = "u1";
    const std::string bits = std::to_string(8 * (name[1] - '0'));
    const std::string kind = name[0] == 'u' ? "uint" : name[0] == 'i' ? "int" : name[0] == 'f' ? "float" : "?";
    const std::optional<SampleType> type = parse_sample_type(kind + bits);
    if (!type || name.size() != 2) unsupported("sample type", json);
    array_.type = *type;
  }

  void type_of_name(const Json& json) {
    const std::string name = json.is_string() ? json.get<std::string>() : "";
    const std::optional<SampleType> type = parse_sample_type(name == "bool" ? "uint8" : name);
    if (!type) unsupported("sample type", json);
    array_.type = *type;
  }

  void in_order(std::size_t dimensions) {
    array_.order.resize(dimensions);
    std::iota(array_.order.begin(), array_.order.end(), std::size_t{0});
  }

  void add_codec(const std::string& name) {
    if (name == "gzip" || name == "zlib")
      array_.codecs.push_back(ZarrCodec::gzip);
    else if (name == "zstd")
      array_.codecs.push_back(ZarrCodec::zstd);
    else if (name == "blosc")
      array_.codecs.push_back(ZarrCodec::blosc);
    else if (name == "crc32c")
      array_.codecs.push_back(ZarrCodec::crc32c);
    else
      unsupported("compression", name);
  }

  void codec3(const Json& codec) {
    const std::string name = codec.is_string() ? codec.get<std::string>() : codec.at("name").get<std::string>();
    const Json configuration = codec.is_object() ? codec.value("configuration", Json::object()) : Json::object();
    if (name == "bytes")
      array_.swapped = (configuration.value("endian", "little") == "big") != (std::endian::native == std::endian::big);
    else if (name == "transpose")
      transpose(configuration.at("order"));
    else if (name == "sharding_indexed")
      shard(configuration);
    else
      add_codec(name);
  }

  void transpose(const Json& order) {
    std::vector<std::size_t> given;
    if (order == "F") {
      given.assign(array_.order.rbegin(), array_.order.rend());
    } else if (order.is_array()) {
      for (const Json& axis : order) given.push_back(axis.get<std::size_t>());
    }
    std::vector<std::size_t> sorted = given;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::size_t> straight(array_.shape.size());
    std::iota(straight.begin(), straight.end(), std::size_t{0});
    if (sorted != straight && order != "C") damaged("a transposition is no order of the dimensions");
    if (order != "C") array_.order = given;
  }

  void shard(const Json& configuration) {
    if (array_.shards || !array_.codecs.empty()) unsupported("compression", "sharding within other codecs");
    ZarrShards shards{array_.chunks, configuration.value("index_location", "end") == "end", false};
    for (const Json& codec : configuration.at("index_codecs")) {
      const std::string name = codec.at("name").get<std::string>();
      if (name == "crc32c")
        shards.index_has_checksum = true;
      else if (name != "bytes" || codec.value("configuration", Json::object()).value("endian", "little") != "little")
        unsupported("index encoding", name);
    }
    array_.chunks.clear();
    sizes(configuration.at("chunk_shape"), array_.chunks);
    for (const Json& codec : configuration.at("codecs")) codec3(codec);
    if (array_.chunks.size() != shards.shape.size()) damaged("chunks and shards have different dimensions");
    for (std::size_t i = 0; i < array_.chunks.size(); ++i)
      if (shards.shape[i] % array_.chunks[i] != 0) damaged("a shard is no multiple of its chunks");
    array_.shards = shards;
  }

  void fill(const Json& json) {
    if (json.is_null()) return;
    if (json.is_number() || json.is_boolean()) {
      array_.fill = json.is_boolean() ? (json.get<bool>() ? 1 : 0) : json.get<double>();
    } else if (json == "NaN") {
      array_.fill = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "Infinity" || json == "-Infinity") {
      array_.fill = json == "Infinity" ? HUGE_VAL : -HUGE_VAL;
    } else {
      unsupported("fill value", json);
    }
  }

  /// As netCDF and xarray name it; what makes no sense means none.
  void packing(const Json& attributes) {
    const auto number = [&](const char* name, double otherwise) {
      const auto found = attributes.is_object() ? attributes.find(name) : attributes.end();
      return found != attributes.end() && found->is_number() ? found->get<double>() : otherwise;
    };
    const double slope = number("scale_factor", 1);
    if (slope != 0) array_.scaling = {slope, number("add_offset", 0)};
  }

  void dimension_names(const Json& names) {
    for (const Json& name : names) array_.names.push_back(name.is_string() ? name.get<std::string>() : "");
    if (array_.names.size() != array_.shape.size()) damaged("the names of the dimensions do not fit the shape");
  }

  ZarrArray checked() {
    if (array_.chunks.size() != array_.shape.size()) damaged("chunks and shape have different dimensions");
    if (array_.separator != '.' && array_.separator != '/') damaged("the separator of the chunks' names is unknown");
    std::size_t bytes = sample_bytes(array_.type);
    for (const std::size_t size : array_.chunks) {
      if (size > kLargestChunk / bytes) damaged("a chunk has more than 2 GiB");
      bytes *= size;
    }
    if (array_.shards) {
      std::size_t chunks = 1;
      for (std::size_t i = 0; i < array_.chunks.size(); ++i) {
        const std::size_t count = array_.shards->shape[i] / array_.chunks[i];
        if (count > (std::size_t{1} << 24) / chunks) damaged("a shard has too many chunks");
        chunks *= count;
      }
    }
    return std::move(array_);
  }

  ZarrArray array_;
  Json json_;
};

}  // namespace

fs::path zarr_metadata_file(const fs::path& folder) {
  std::error_code unreadable;
  for (const char* name : {"zarr.json", ".zarray", ".zgroup"})
    if (fs::is_regular_file(folder / name, unreadable)) return folder / name;
  return {};
}

bool is_zarr_folder(const fs::path& folder) {
  return !zarr_metadata_file(folder).empty();
}

Json zarr_attributes(const fs::path& folder) {
  if (fs::exists(folder / "zarr.json")) {
    Json attributes = read_json(folder / "zarr.json").value("attributes", Json::object());
    return attributes.is_object() ? attributes : Json::object();
  }
  return fs::exists(folder / ".zattrs") ? read_json(folder / ".zattrs") : Json::object();
}

bool is_zarr_array(const fs::path& folder) {
  if (fs::exists(folder / ".zarray")) return true;
  return fs::exists(folder / "zarr.json") && read_json(folder / "zarr.json").value("node_type", "") == "array";
}

ZarrArray open_zarr_array(const fs::path& folder) {
  try {
    return fs::exists(folder / "zarr.json") ? Parser(folder).version3() : Parser(folder).version2();
  } catch (const Json::exception&) {
    throw Error(fmt::format("{}: the metadata of the array is incomplete or damaged", folder.string()));
  }
}

std::size_t chunk_samples(const ZarrArray& array) {
  return std::accumulate(array.chunks.begin(), array.chunks.end(), std::size_t{1}, std::multiplies<>());
}

}  // namespace n2s
