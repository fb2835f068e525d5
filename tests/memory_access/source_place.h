// From instructions to the lines of source that they come from.
#pragma once

#include <map>
#include <set>
#include <string>

namespace n2s::emulation {

struct SourcePlace {
  std::string text;       // "tile_loop.cuh:78"; in a helper: "element.h:53 in tile_loop.cuh:78", with who calls it
  std::string functions;  // that were inlined into each other there, one a line, the innermost first
};

/// For addresses that calls return to. Where the program or addr2line cannot tell, text is the address.
std::map<const void*, SourcePlace> source_places(const std::set<const void*>& addresses);

}  // namespace n2s::emulation
