// See mutate.h.
#include "tests/fuzz/mutate.h"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace n2s::fuzz {
namespace {

std::size_t below(Random& random, std::size_t limit) {
  return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit);
}

/// Positions near the start are likelier: headers are there.
std::size_t position(Random& random, std::size_t size) {
  return random() % 2 == 0 ? below(random, std::min<std::size_t>(size, 600)) : below(random, size);
}

void put_number(Bytes& bytes, Random& random) {
  constexpr std::array<std::uint64_t, 14> kNumbers = {
      0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, ~0ULL};
  const std::uint64_t number = kNumbers.at(below(random, kNumbers.size()));
  const std::size_t size = std::size_t{1} << below(random, 4);
  const bool big = random() % 2 == 0;
  const std::size_t at = position(random, bytes.size());
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i)
    bytes[at + i] = static_cast<unsigned char>(number >> (8 * (big ? size - 1 - i : i)));
}

void change_digit(Bytes& bytes, Random& random) {
  const std::size_t start = position(random, bytes.size());
  const auto digit = [](unsigned char c) { return c >= '0' && c <= '9'; };
  const auto found = std::find_if(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end(), digit);
  constexpr std::array<unsigned char, 16> kOthers = {'0', '1', '9', '-', '.', 'e', ' ',  '\n',
                                                     '(', ')', ',', '"', '%', '/', '\0', 0xFF};
  if (found != bytes.end()) *found = kOthers.at(below(random, kOthers.size()));
}

void change(Bytes& bytes, Random& random) {
  if (bytes.empty()) return;
  const std::size_t at = position(random, bytes.size());
  const std::size_t length = 1 + below(random, std::min<std::size_t>(64, bytes.size() - at));
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 9) {
    case 0:
      bytes[at] ^= static_cast<unsigned char>(1U << below(random, 8));
      break;
    case 1:
      bytes[at] = static_cast<unsigned char>(random());
      break;
    case 2:
    case 3:
      put_number(bytes, random);
      break;
    case 4:
      change_digit(bytes, random);
      break;
    case 5:
      bytes.resize(at);
      break;
    case 6:
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(length));
      break;
    case 7: {
      const Bytes piece(here, here + static_cast<std::ptrdiff_t>(length));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(position(random, bytes.size())), piece.begin(),
                   piece.end());
      break;
    }
    default: {
      const Bytes piece(here, here + static_cast<std::ptrdiff_t>(length));
      const std::size_t to = position(random, bytes.size());
      std::copy_n(piece.begin(), std::min(piece.size(), bytes.size() - to),
                  bytes.begin() + static_cast<std::ptrdiff_t>(to));
      break;
    }
  }
}

/// Empty where the bytes are not gzip.
Bytes unpacked(const Bytes& packed) {
  z_stream stream{};
  if (packed.size() < 2 || packed[0] != 0x1F || packed[1] != 0x8B || ::inflateInit2(&stream, 15 + 16) != Z_OK)
    return {};
  Bytes bytes(std::size_t{1} << 20);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int code = ::inflate(&stream, Z_FINISH);
  bytes.resize(bytes.size() - stream.avail_out);
  ::inflateEnd(&stream);
  return code == Z_STREAM_END ? bytes : Bytes{};
}

Bytes packed(const Bytes& bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return bytes;
  Bytes result(::deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  ::deflate(&stream, Z_FINISH);
  result.resize(result.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return result;
}

}  // namespace

Bytes mutated(const Bytes& original, Random& random) {
  const Bytes inside = random() % 2 == 0 ? unpacked(original) : Bytes{};
  Bytes bytes = inside.empty() ? original : inside;
  for (std::uint64_t changes = 1 + random() % 8; changes > 0; --changes) change(bytes, random);
  return inside.empty() ? bytes : packed(bytes);
}

}  // namespace n2s::fuzz
