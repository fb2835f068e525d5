// libtiff's callbacks on top of InputFile. They are called from C, so nothing may be thrown out of them.
#include "data/formats/tiff_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "kernels/base/error.h"

namespace n2s {

tmsize_t TiffSource::read(thandle_t handle, void* into, tmsize_t size) {
  State& state = state_of(handle);
  try {
    const auto bytes = std::span(static_cast<std::byte*>(into), static_cast<std::size_t>(size));
    const std::size_t got = state.file->read_at(state.offset, bytes);
    state.offset += got;
    state.read_past_end = state.read_past_end || got < bytes.size();
    return static_cast<tmsize_t>(got);
  } catch (const std::exception&) {
    return -1;
  }
}

toff_t TiffSource::seek(thandle_t handle, toff_t offset, int from) {
  State& state = state_of(handle);
  state.offset = from == SEEK_SET ? offset : from == SEEK_CUR ? state.offset + offset : state.file->size() + offset;
  return state.offset;
}

int TiffSource::keep_message(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  State& state = *static_cast<State*>(user);
  std::array<char, 300> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  try {
    if (state.message.empty()) state.message = text.data();
  } catch (const std::exception&) {
    // The message is lost; the failure itself is also in the return value.
  }
  return 1;  // handled: do not print
}

TiffSource::TiffSource(const InputFile& file) : state_(std::make_unique<State>()) {
  state_->file = &file;
  struct Free {
    void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
  };
  const std::unique_ptr<TIFFOpenOptions, Free> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) throw std::bad_alloc();
  const auto ignore = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, state_.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  // libtiff's own buffers hold compressed strips and decoder state, never more than the file or a few rows.
  const std::uint64_t largest = std::max<std::uint64_t>(file.size(), std::uint64_t{256} << 20);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(largest));
  tiff_.reset(TIFFClientOpenExt(
      file.name().c_str(), "rm", state_.get(), read, [](thandle_t, void*, tmsize_t) -> tmsize_t { return -1; }, seek,
      [](thandle_t) { return 0; }, [](thandle_t handle) -> toff_t { return state_of(handle).file->size(); },
      [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, options.get()));
  if (tiff_ == nullptr) fail();
}

void TiffSource::fail() const {
  std::string text = !state_->message.empty() ? state_->message : "the file ends early";
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  throw Error(
      fmt::format("{}: damaged or incomplete TIFF ({}); copy or download it again", state_->file->name(), text));
}

}  // namespace n2s
