// Kernels' names as tables and messages show them.
#pragma once

#include <string>

namespace n2s::emulation {

/// "forward_kernel<SimtTile, 48, true>": without namespaces and return type.
const std::string& short_kernel_name(const void* kernel);

}  // namespace n2s::emulation
