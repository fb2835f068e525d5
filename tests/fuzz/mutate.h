// Changes files as damage and malice do. Used by fuzz_files.cpp.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace n2s::fuzz {

using Bytes = std::vector<unsigned char>;
using Random = std::mt19937_64;

/// One to eight changes: bits, bytes, numbers of 2, 4 and 8 bytes that headers are sensitive to, digits of text
/// headers, and pieces that are cut off, taken out, doubled or moved in from elsewhere. Where the file is gzipped, half
/// of the changes happen inside, and the result is packed again.
Bytes mutated(const Bytes& original, Random& random);

}  // namespace n2s::fuzz
