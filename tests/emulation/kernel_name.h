// The names of kernels, for messages.
#pragma once

#include <string>

namespace n2s::emulation {

/// The name of the function at this address as its source has it, without parameters; "kernel" where the program has
/// been stripped of its symbols.
std::string kernel_name(const void* function);

}  // namespace n2s::emulation
