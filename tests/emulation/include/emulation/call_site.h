// Where in the source a device function is called, for messages: std::source_location, which clang-tidy cannot read
// yet.
#pragma once

namespace n2s::emulation {

struct CallSite {
  const char* file = "";
  unsigned line = 0;
  static constexpr CallSite current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace n2s::emulation
