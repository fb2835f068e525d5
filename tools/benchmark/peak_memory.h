// The most memory that this process has had in use (resident), since a moment.
#pragma once

#include <cstddef>

namespace n2s {

/// From now on. Where the system cannot do that, since the process began.
void restart_peak_memory();

/// Bytes; 0 where the system does not say.
std::size_t peak_memory();

}  // namespace n2s
