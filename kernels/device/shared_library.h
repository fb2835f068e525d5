// Loads a shared library at run time, for NVIDIA's libraries that not every machine has: programs start, and everything
// else runs, without them.
#pragma once

#include <span>

namespace n2s::device {

/// A library that stays loaded for the life of the program.
class SharedLibrary {
 public:
  /// The first of the names that the system's loader finds.
  explicit SharedLibrary(std::span<const char* const> names);

  explicit operator bool() const { return handle_ != nullptr; }

  /// Sets the pointer to the function of this name; false: the library is not loaded, or has no such function.
  template <typename Function>
  bool find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(symbol(name));  // NOLINT: how dlsym returns functions
    return function != nullptr;
  }

 private:
  void* symbol(const char* name) const;
  void* handle_ = nullptr;
};

}  // namespace n2s::device
