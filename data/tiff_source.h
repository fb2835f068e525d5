// libtiff on top of InputFile, with its messages caught instead of printed. Used by tiff.cpp.
#pragma once

#include <tiffio.h>

#include <memory>
#include <string>

#include "data/input_file.h"

namespace n2s {

class TiffSource {
 public:
  /// Throws Error where libtiff finds no usable first directory.
  explicit TiffSource(const InputFile& file);

  TIFF* get() const { return tiff_.get(); }
  /// Throws Error with libtiff's first message since the start or the last clear_message().
  [[noreturn]] void fail() const;
  bool has_message() const { return !state_->message.empty(); }

 private:
  struct State {
    const InputFile* file = nullptr;
    std::uint64_t offset = 0;
    std::string message;
  };
  struct Close {
    void operator()(TIFF* tiff) const { TIFFClose(tiff); }
  };
  static State& state_of(thandle_t handle) { return *static_cast<State*>(handle); }
  static tmsize_t read(thandle_t handle, void* into, tmsize_t size);
  static toff_t seek(thandle_t handle, toff_t offset, int from);
  static int keep_message(TIFF* tiff, void* user, const char* module, const char* format, va_list arguments);

  std::unique_ptr<State> state_;  // libtiff holds its address
  std::unique_ptr<TIFF, Close> tiff_;
};

}  // namespace n2s
