// See tiff_raw.h.
#include "data/formats/tiff_raw.h"

#include <array>
#include <bit>

namespace n2s {
namespace {

std::uint64_t type_bytes(std::uint64_t type) {
  constexpr std::array<std::uint64_t, 19> kBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes.at(type) : 0;
}

}  // namespace

TiffBytes::TiffBytes(const InputFile& file) : file_(&file) {
  swapped_ = file.has("M") == (std::endian::native == std::endian::little);
  big_ = unsigned_at(2, 2) == 43;
}

std::uint64_t TiffBytes::unsigned_at(std::uint64_t offset, std::size_t bytes) const {
  std::array<std::byte, 8> stored{};
  const std::size_t got = file_->read_at(offset, std::span(stored).first(bytes));
  if (got < bytes) fail_ends_early(file_->name(), offset + got, offset + bytes, "metadata");
  const bool little = (std::endian::native == std::endian::little) != swapped_;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value = value << 8 | std::to_integer<std::uint64_t>(stored.at(little ? bytes - 1 - i : i));
  return value;
}

double TiffBytes::double_at(std::uint64_t offset) const {
  return std::bit_cast<double>(unsigned_at(offset, 8));
}

std::optional<RawTag> find_raw_tag(const TiffBytes& bytes, std::uint16_t tag) {
  const std::size_t word = bytes.is_big() ? 8 : 4;
  std::uint64_t at = bytes.unsigned_at(bytes.is_big() ? 8 : 4, word);
  const std::size_t count_bytes = bytes.is_big() ? 8 : 2;
  const std::uint64_t entries = bytes.unsigned_at(at, count_bytes);
  at += count_bytes;
  for (std::uint64_t i = 0; i < entries && i < 4096; ++i, at += 4 + 2 * word) {
    if (bytes.unsigned_at(at, 2) != tag) continue;
    const std::uint64_t size = type_bytes(bytes.unsigned_at(at + 2, 2));
    const std::uint64_t count = bytes.unsigned_at(at + 4, word);
    const bool inside = size * count <= word;
    return RawTag{count, inside ? at + 4 + word : bytes.unsigned_at(at + 4 + word, word)};
  }
  return std::nullopt;
}

}  // namespace n2s
