// Maps instructions to source lines.
#pragma once

#include <map>
#include <set>
#include <string>

namespace n2s::emulation {

struct SourcePlace {
  std::string text;       // "tile_loop.cuh:78"; in a helper with its caller: "element.h:53 in tile_loop.cuh:78"
  std::string functions;  // inlined there, one per line, the innermost first
};

/// For return addresses. Without debug information or addr2line, `text` is the address.
std::map<const void*, SourcePlace> source_places(const std::set<const void*>& addresses);

}  // namespace n2s::emulation
