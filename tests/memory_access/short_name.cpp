#include "tests/memory_access/short_name.h"

#include "tests/emulation/kernel_name.h"

namespace n2s::emulation {

std::string short_kernel_name(const void* kernel) {
  std::string name = kernel_name(kernel);
  for (const std::string part : {"void ", "n2s::device::", "n2s::test::", "plain::", "(anonymous namespace)::"})
    for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part)) name.erase(at, part.size());
  return name;
}

}  // namespace n2s::emulation
