// The chunks of a Zarr array: found in their files or shards, and decoded.
#pragma once

#include <cstddef>
#include <vector>

#include "data/formats/zarr_array.h"

namespace n2s {

class ZarrChunks {
 public:
  explicit ZarrChunks(ZarrArray array) : array_(std::move(array)) {}

  const ZarrArray& array() const { return array_; }

  /// The samples of a chunk as they are stored, in array().order; nothing: there is no such chunk, and its samples are
  /// the fill value. Calls may run at the same time. Throws Error: damaged.
  std::vector<std::byte> read(const std::vector<std::size_t>& chunk) const;

 private:
  std::filesystem::path file_of(const std::vector<std::size_t>& numbers) const;
  std::vector<std::byte> encoded(const std::vector<std::size_t>& chunk, std::string& name) const;
  std::vector<std::byte> from_shard(const std::vector<std::size_t>& chunk, std::string& name) const;

  ZarrArray array_;
};

/// A chunk as blosc stores it: zstd, with the bytes of samples sorted by their place.
std::vector<std::byte> compress_blosc(const std::vector<std::byte>& samples, std::size_t sample_bytes);

}  // namespace n2s
