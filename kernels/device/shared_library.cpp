// Loading of shared libraries through dlopen (see shared_library.h).
#include "kernels/device/shared_library.h"

#include <dlfcn.h>

namespace n2s::device {

SharedLibrary::SharedLibrary(std::span<const char* const> names) {
  for (const char* name : names) {
    handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) return;
  }
}

void* SharedLibrary::symbol(const char* name) const {
  return handle_ != nullptr ? dlsym(handle_, name) : nullptr;
}

}  // namespace n2s::device
