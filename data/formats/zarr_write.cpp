// Writes OME-Zarr 0.4. A plane's chunks are compressed and written side by side.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "data/atomic_folder.h"
#include "data/formats/zarr.h"
#include "data/formats/zarr_chunks.h"
#include "data/formats/zarr_image.h"
#include "data/json_text.h"
#include "data/samples.h"

namespace n2s {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSide = 1024;  // of a chunk, pixels at most

std::string numpy_type(SampleType type) {
  const std::string_view name = sample_type_name(type);
  const std::size_t bytes = sample_bytes(type);
  const char kind = name.starts_with("uint") ? 'u' : name.starts_with("int") ? 'i' : 'f';
  return fmt::format("{}{}{}", bytes == 1 ? '|' : '<', kind, bytes);
}

Json axis_json(const Image& image, const Axis& axis) {
  const std::string name(1, static_cast<char>(axis.name - 'A' + 'a'));
  if (axis.name == 'C') return {{"name", name}, {"type", "channel"}};
  if (axis.name == 'T') return {{"name", name}, {"type", "time"}, {"unit", "second"}};
  Json json{{"name", name}, {"type", "space"}};
  for (const ZarrUnit& known : kZarrUnits)
    if (known.unit == image.unit) json["unit"] = known.name;
  return json;
}

Json multiscales(const Image& image, const std::string& name) {
  Json axes = Json::array();
  Json scale = Json::array();
  for (const Axis& axis : image.axes) {
    axes.push_back(axis_json(image, axis));
    scale.push_back(axis.spacing);
  }
  const Json transformation{{"type", "scale"}, {"scale", scale}};
  const Json level{{"path", "0"}, {"coordinateTransformations", Json::array({transformation})}};
  return {{"multiscales",
           Json::array({{{"version", "0.4"}, {"name", name}, {"axes", axes}, {"datasets", Json::array({level})}}})}};
}

class ZarrWriter final : public ImageWriter {
 public:
  ZarrWriter(const std::filesystem::path& path, Image header, const WriteOptions& options)
      : ImageWriter(std::move(header), "TCZYX"),
        folder_(path, options.overwrite),
        type_(options.type.value_or(image().type)) {
    const std::size_t axes = image().axes.size();
    height_ = image().axes[axes - 2].length;
    width_ = image().axes[axes - 1].length;
    Json shape = Json::array();
    Json chunks = Json::array();
    for (std::size_t i = 0; i < axes; ++i) {
      shape.push_back(image().axes[i].length);
      chunks.push_back(i + 2 < axes ? 1 : std::min(kSide, image().axes[i].length));
    }
    const Json compressor{{"id", "blosc"}, {"cname", "zstd"}, {"clevel", 5}, {"shuffle", 1}, {"blocksize", 0}};
    folder_.write(".zgroup", json_text(Json{{"zarr_format", 2}}, 2));
    folder_.write(".zattrs", json_text(multiscales(image(), path.filename().string()), 2));
    folder_.write("0/.zarray", json_text(Json{{"zarr_format", 2},
                                              {"shape", shape},
                                              {"chunks", chunks},
                                              {"dtype", numpy_type(type_)},
                                              {"compressor", compressor},
                                              {"fill_value", 0},
                                              {"order", "C"},
                                              {"filters", nullptr},
                                              {"dimension_separator", "/"}},
                                         2));
  }

  void commit() override { folder_.commit(); }

 private:
  struct Tile {
    std::size_t row = 0, column = 0;  // counted in chunks
  };

  void write_stored(std::size_t number, std::span<const float> plane) override {
    std::vector<Tile> tiles;
    for (std::size_t row = 0; row * kSide < height_; ++row)
      for (std::size_t column = 0; column * kSide < width_; ++column) tiles.push_back({row, column});
    const std::string prefix = prefix_of(number);
    const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t begin = 0; begin < tiles.size(); begin += threads) {
      std::vector<std::future<void>> written;
      for (std::size_t i = begin; i < std::min(begin + threads, tiles.size()); ++i)
        written.push_back(std::async(std::launch::async, [&, tile = tiles[i]] { write_chunk(prefix, tile, plane); }));
      for (std::future<void>& one : written) one.get();
    }
  }

  /// "0/T/C/Z/": of all axes but the last two.
  std::string prefix_of(std::size_t number) const {
    std::string prefix;
    for (std::size_t i = image().axes.size() - 2; i-- > 0; number /= image().axes[i].length)
      prefix.insert(0, fmt::format("{}/", number % image().axes[i].length));
    return "0/" + prefix;
  }

  /// Chunks at the edge are as large as the others; what lies outside is 0.
  void write_chunk(const std::string& prefix, const Tile& tile, std::span<const float> plane) const {
    const std::size_t rows = std::min(kSide, height_);
    const std::size_t columns = std::min(kSide, width_);
    const std::size_t top = tile.row * kSide;
    const std::size_t left = tile.column * kSide;
    std::vector<float> values(rows * columns);
    const std::size_t count = std::min(columns, width_ - left);
    for (std::size_t row = 0; row < std::min(rows, height_ - top); ++row)
      std::copy_n(plane.begin() + static_cast<std::ptrdiff_t>((top + row) * width_ + left), count,
                  values.begin() + static_cast<std::ptrdiff_t>(row * columns));
    std::vector<std::byte> samples(values.size() * sample_bytes(type_));
    encode_samples(values, type_, std::endian::native == std::endian::big, {}, samples);
    folder_.write(fmt::format("{}{}/{}", prefix, tile.row, tile.column), compress_blosc(samples, sample_bytes(type_)));
  }

  AtomicFolder folder_;
  SampleType type_;
  std::size_t height_ = 0, width_ = 0;
};

}  // namespace

std::unique_ptr<ImageWriter> create_zarr(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  return std::make_unique<ZarrWriter>(path, std::move(header), options);
}

}  // namespace n2s
