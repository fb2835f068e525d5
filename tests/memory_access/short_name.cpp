// Shortens kernels' names for tables and messages.
#include "tests/memory_access/short_name.h"

#include <map>

#include "tests/emulation/kernel_name.h"

namespace n2s::emulation {

namespace {

std::string shortened(std::string name) {
  for (const std::string part : {"void ", "n2s::device::", "n2s::test::", "unfused::", "(anonymous namespace)::"})
    for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part)) name.erase(at, part.size());
  return name;
}

}  // namespace

const std::string& short_kernel_name(const void* kernel) {
  static std::map<const void*, std::string> names;  // looking one up takes a while
  const auto [found, is_new] = names.try_emplace(kernel);
  if (is_new) found->second = shortened(kernel_name(kernel));
  return found->second;
}

}  // namespace n2s::emulation
