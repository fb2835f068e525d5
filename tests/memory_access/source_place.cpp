// Asks addr2line for the source lines of addresses.
#include "tests/memory_access/source_place.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace n2s::emulation {
namespace {

struct Frame {
  std::string function, file, line;
};

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe && std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr)
    text += buffer.data();
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Offset in the program's file, one byte before the return address: in the call itself.
std::uintptr_t offset_of(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0) return 0;
  return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(info.dli_fbase) - 1;
}

/// For each address the functions inlined there, the innermost first.
std::vector<std::vector<Frame>> frames_of(const std::set<const void*>& addresses) {
  std::string command = fmt::format("addr2line -e /proc/{}/exe -a -f -i -C", getpid());
  for (const void* address : addresses) command += fmt::format(" {:#x}", offset_of(address));
  std::vector<std::vector<Frame>> result;
  const std::vector<std::string> lines = lines_of(output_of(command + " 2>/dev/null"));
  for (std::size_t i = 0; i < lines.size();) {
    if (lines[i].starts_with("0x")) {
      result.emplace_back();
      ++i;
    } else {
      if (result.empty() || i + 1 >= lines.size()) break;
      const std::string where = lines[i + 1].substr(0, lines[i + 1].find(" ("));
      const std::size_t colon = where.rfind(':');
      result.back().push_back({lines[i], where.substr(0, colon), where.substr(colon + 1)});
      i += 2;
    }
  }
  return result;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

bool is_kernel_code(const Frame& frame) {
  return contains(frame.file, "/kernels/") || contains(frame.file, "/memory_access/");
}

bool is_helper(const Frame& frame) {
  return contains(frame.file, "/kernels/device/");
}

std::string text_of(const Frame& frame) {
  return frame.file.substr(frame.file.rfind('/') + 1) + ":" + frame.line;
}

SourcePlace place_of(const std::vector<Frame>& frames) {
  std::string functions;
  for (const Frame& frame : frames) functions += frame.function + "\n";
  const Frame* innermost = nullptr;
  for (const Frame& frame : frames) {
    if (!is_kernel_code(frame)) continue;
    if (innermost == nullptr) {
      innermost = &frame;
      if (!is_helper(frame)) break;
    } else if (!is_helper(frame)) {
      return {text_of(*innermost) + " in " + text_of(frame), functions};
    }
  }
  if (innermost == nullptr) innermost = &frames.front();
  return {text_of(*innermost), functions};
}

}  // namespace

std::map<const void*, SourcePlace> source_places(const std::set<const void*>& addresses) {
  std::map<const void*, SourcePlace> places;
  const std::vector<std::vector<Frame>> frames = frames_of(addresses);
  std::size_t i = 0;
  for (const void* address : addresses) {
    const bool known = i < frames.size() && !frames[i].empty();
    places[address] = known ? place_of(frames[i]) : SourcePlace{fmt::format("{}", address), ""};
    ++i;
  }
  return places;
}

}  // namespace n2s::emulation
