// How much memory this process may still take.
#pragma once

#include <cstddef>

namespace n2s {

/// Bytes: of what the machine has available, the control group (of a container or a job) allows and the process's own
/// limit (ulimit -v) leaves, the least.
std::size_t available_memory();

}  // namespace n2s
