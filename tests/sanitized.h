// Whether this program runs under AddressSanitizer or ThreadSanitizer, which are slow: tests then leave out what only
// repeats.
#pragma once

namespace n2s::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace n2s::test
