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
  /// Throws Error with the first message that libtiff gave.
  [[noreturn]] void fail() const;
  bool has_message() const { return !state_->message.empty(); }
  /// libtiff takes a directory whose last bytes are missing for the last one; the reads that it made tell.
  bool read_past_end() const { return state_->read_past_end; }

 private:
  struct State {
    const InputFile* file = nullptr;
    std::uint64_t offset = 0;
    std::string message;
    bool read_past_end = false;
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
