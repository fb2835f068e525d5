// The metadata of a Zarr array, of version 2 (.zarray) and 3 (zarr.json) alike: shape, chunks, sample type and how a
// chunk is encoded. Source: zarr-specs.readthedocs.io.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/samples.h"

namespace n2s {

/// A step from the samples of a chunk to its bytes.
enum class ZarrCodec { gzip, zstd, blosc, crc32c };

/// Several chunks in one file, with an index of where each begins (version 3).
struct ZarrShards {
  std::vector<std::size_t> shape;  // samples, a multiple of the chunks'
  bool index_at_end = true;
  bool index_has_checksum = false;
};

struct ZarrArray {
  std::filesystem::path folder;
  std::vector<std::size_t> shape, chunks;  // samples along each dimension, slowest first
  SampleType type = SampleType::uint8;
  bool swapped = false;            // byte order: not this machine's
  std::vector<std::size_t> order;  // of the dimensions in a chunk, slowest first
  std::vector<ZarrCodec> codecs;   // in the order of encoding, after the samples have become bytes
  std::optional<ZarrShards> shards;
  double fill = 0;                 // of chunks that are not there
  Scaling scaling{};               // of packed integers: attributes scale_factor and add_offset, as in netCDF
  std::string prefix;              // of a chunk's path: "c/" or nothing
  char separator = '/';            // between the numbers of a chunk
  std::vector<std::string> names;  // of the dimensions; empty: not told
};

/// Whether the folder is a Zarr array or group.
bool is_zarr_folder(const std::filesystem::path& folder);

/// The metadata file in a Zarr folder; empty where it is none.
std::filesystem::path zarr_metadata_file(const std::filesystem::path& folder);

/// The attributes of a group or array; an empty object where it has none. Throws Error: damaged.
nlohmann::json zarr_attributes(const std::filesystem::path& folder);

bool is_zarr_array(const std::filesystem::path& folder);

/// Throws Error: damaged, or encoded in a way that is not supported, which it names.
ZarrArray open_zarr_array(const std::filesystem::path& folder);

/// Samples of a chunk. Below 2^31 bytes, and above 0.
std::size_t chunk_samples(const ZarrArray& array);

}  // namespace n2s
