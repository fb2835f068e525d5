// The names of kernels, for messages.
#pragma once

#include <string>

namespace n2s::emulation {

/// The demangled name of the function at this address, without parameters; "kernel" if the program is stripped.
std::string kernel_name(const void* function);

}  // namespace n2s::emulation
