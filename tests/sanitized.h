// Whether this program runs under AddressSanitizer: slow, so that tests leave out what only repeats.
#pragma once

namespace n2s::test {

#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace n2s::test
