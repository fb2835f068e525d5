// A regular file opened for reading. Readers check the sizes in its header against its real size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace n2s {

class InputFile {
 public:
  /// Of a Zarr folder, its metadata are opened. Throws Error: missing, not permitted, another folder or a device,
  /// empty.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }  // bytes
  /// Whether name() is a folder that is an image, and what is open its metadata.
  bool is_folder() const { return is_folder_; }
  int descriptor() const { return descriptor_; }

  /// Reads from `offset` until `into` is full or the file ends; returns the number of bytes. Throws Error.
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const;

  /// Whether these bytes are there: how formats are recognised. Throws Error.
  bool has(std::string_view bytes, std::uint64_t offset = 0) const;
  bool has_any(std::initializer_list<std::string_view> starts) const;

 private:
  std::string name_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
  bool is_folder_ = false;
};

/// Throws the Error for a file shorter than its header says: "name: the file ends early (HAVE of NEED bytes of WHAT):
/// ..."
[[noreturn]] void fail_ends_early(const std::string& name, std::uint64_t have, std::uint64_t need, const char* what);

/// Throws Error where `decoded` bytes cannot come from `stored` bytes that are compressed: a damaged size would
/// otherwise ask for memory that the file could never fill. `largest_ratio` is the method's (deflate: 1032).
void check_expansion(const std::string& name, std::uint64_t stored, std::uint64_t decoded,
                     std::uint64_t largest_ratio = 65536);

/// Throws Error where `bytes` are more than this machine's memory: asking for them would end the program, not the read.
void check_memory(const std::string& name, std::uint64_t bytes);

}  // namespace n2s
