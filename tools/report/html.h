// Pieces of pages that need nothing else: escaped text, pictures as data URIs.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace n2s {

/// With &, <, > and " as entities.
std::string escaped(const std::string& text);

std::string base64(std::span<const std::byte> bytes);

/// "data:image/png;base64,..."
std::string png_uri(std::span<const std::byte> png);

}  // namespace n2s
