// AddressSanitizer's interface: functions that do nothing where the program is built without it.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define N2S_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define N2S_ASAN 1
#endif
#endif

#ifdef N2S_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace n2s::emulation {

/// From here on AddressSanitizer reports any access to these bytes.
inline void forbid([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef N2S_ASAN
  __asan_poison_memory_region(begin, bytes);
#endif
}

inline void allow([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef N2S_ASAN
  __asan_unpoison_memory_region(begin, bytes);
#endif
}

}  // namespace n2s::emulation
