// See zarr_chunks.h.
#include "data/formats/zarr_chunks.h"

#include <blosc.h>
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "data/input_file.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

[[noreturn]] void damaged(const std::string& name) {
  throw Error(fmt::format("{}: the chunk is damaged; copy or download the folder again", name));
}

/// gzip or zlib, whichever it is, to exactly `size` bytes.
Bytes inflate_to(const std::string& name, const Bytes& stored, std::size_t size) {
  Bytes samples(size);
  z_stream stream{};
  constexpr int kDetect = 15 + 32;  // the largest window; gzip or zlib
  if (inflateInit2(&stream, kDetect) != Z_OK) throw std::bad_alloc();
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stored.data()));  // NOLINT(*-const-cast): zlib's
  stream.avail_in = static_cast<uInt>(stored.size());
  stream.next_out = reinterpret_cast<Bytef*>(samples.data());
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (result != Z_STREAM_END || stream.avail_out != 0) damaged(name);
  return samples;
}

Bytes decompress(const std::string& name, ZarrCodec codec, const Bytes& stored, std::size_t size) {
  if (codec == ZarrCodec::gzip) return inflate_to(name, stored, size);
  Bytes samples(size);
  if (codec == ZarrCodec::zstd) {
    const std::size_t done = ZSTD_decompress(samples.data(), size, stored.data(), stored.size());
    if (ZSTD_isError(done) != 0 || done != size) damaged(name);
    return samples;
  }
  std::size_t declared = 0;
  if (stored.size() < BLOSC_MIN_HEADER_LENGTH || blosc_cbuffer_validate(stored.data(), stored.size(), &declared) != 0 ||
      declared != size)
    damaged(name);
  const int done = blosc_decompress_ctx(stored.data(), samples.data(), size, 1);
  if (done < 0 || static_cast<std::size_t>(done) != size) damaged(name);
  return samples;
}

/// CRC-32C (Castagnoli), bit by bit: a checksum is short work beside decompression.
std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

/// Checks the four bytes at the end and drops them.
void check_checksum(const std::string& name, Bytes& bytes) {
  constexpr std::size_t kChecksumBytes = 4;
  if (bytes.size() < kChecksumBytes) damaged(name);
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i)
    stored |= std::to_integer<std::uint32_t>(bytes[bytes.size() - kChecksumBytes + i]) << (8 * i);
  bytes.resize(bytes.size() - kChecksumBytes);
  if (crc32c(bytes) != stored) damaged(name);
}

/// The largest that `size` bytes may have become.
std::size_t largest_encoded(std::size_t size) {
  return size + size / 8 + 65536;
}

Bytes read_part(const InputFile& file, std::uint64_t offset, std::uint64_t size, std::size_t decoded) {
  if (offset > file.size() || size > file.size() - offset || size > largest_encoded(decoded)) damaged(file.name());
  Bytes bytes(static_cast<std::size_t>(size));
  if (file.read_at(offset, bytes) != bytes.size()) damaged(file.name());
  return bytes;
}

std::uint64_t little_endian(const Bytes& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

}  // namespace

fs::path ZarrChunks::file_of(const std::vector<std::size_t>& numbers) const {
  std::string key = array_.prefix;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) key += array_.separator;
    key += std::to_string(numbers[i]);
  }
  return array_.folder / key;
}

Bytes ZarrChunks::read(const std::vector<std::size_t>& chunk) const {
  std::string name;
  Bytes bytes = array_.shards ? from_shard(chunk, name) : encoded(chunk, name);
  if (bytes.empty()) return bytes;
  const std::size_t size = chunk_samples(array_) * sample_bytes(array_.type);
  for (std::size_t i = array_.codecs.size(); i-- > 0;) {
    // What lies below another compression has a size of its own, which only its file knows.
    const bool is_last = std::none_of(array_.codecs.begin(), array_.codecs.begin() + static_cast<std::ptrdiff_t>(i),
                                      [](ZarrCodec codec) { return codec != ZarrCodec::crc32c; });
    const std::size_t checksums = static_cast<std::size_t>(
        std::count(array_.codecs.begin(), array_.codecs.begin() + static_cast<std::ptrdiff_t>(i), ZarrCodec::crc32c));
    if (array_.codecs[i] == ZarrCodec::crc32c)
      check_checksum(name, bytes);
    else if (!is_last)
      throw Error(fmt::format("{}: compressed twice, which is not supported; write it with one compression", name));
    else
      bytes = decompress(name, array_.codecs[i], bytes, size + 4 * checksums);
  }
  if (bytes.size() != size) damaged(name);
  return bytes;
}

Bytes ZarrChunks::encoded(const std::vector<std::size_t>& chunk, std::string& name) const {
  const fs::path path = file_of(chunk);
  name = path.string();
  std::error_code missing;
  if (!fs::exists(path, missing)) return {};
  const InputFile file(path);
  return read_part(file, 0, file.size(), chunk_samples(array_) * sample_bytes(array_.type));
}

Bytes ZarrChunks::from_shard(const std::vector<std::size_t>& chunk, std::string& name) const {
  const ZarrShards& shards = *array_.shards;
  std::vector<std::size_t> shard;
  std::size_t number = 0;
  std::size_t count = 1;
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const std::size_t along = shards.shape[i] / array_.chunks[i];
    shard.push_back(chunk[i] / along);
    number = number * along + chunk[i] % along;
    count *= along;
  }
  const fs::path path = file_of(shard);
  name = path.string();
  std::error_code missing;
  if (!fs::exists(path, missing)) return {};
  const InputFile file(path);
  const std::size_t index_size = 16 * count + (shards.index_has_checksum ? 4 : 0);
  if (file.size() < index_size) damaged(name);
  Bytes index = read_part(file, shards.index_at_end ? file.size() - index_size : 0, index_size, index_size);
  if (shards.index_has_checksum) check_checksum(name, index);
  const std::uint64_t offset = little_endian(index, 16 * number);
  const std::uint64_t size = little_endian(index, 16 * number + 8);
  if (offset == ~std::uint64_t{0} && size == ~std::uint64_t{0}) return {};
  return read_part(file, offset, size, chunk_samples(array_) * sample_bytes(array_.type));
}

Bytes compress_blosc(const Bytes& samples, std::size_t sample_bytes) {
  constexpr int kLevel = 5;
  Bytes stored(samples.size() + BLOSC_MAX_OVERHEAD);
  const int size = blosc_compress_ctx(kLevel, BLOSC_SHUFFLE, sample_bytes, samples.size(), samples.data(),
                                      stored.data(), stored.size(), "zstd", 0, 1);
  if (size <= 0) throw Error("blosc cannot compress a chunk");
  stored.resize(static_cast<std::size_t>(size));
  return stored;
}

}  // namespace n2s
