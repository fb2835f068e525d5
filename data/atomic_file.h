// Files that are either the old one, whole, or the new one, whole: written beside the target under a temporary name,
// synced, renamed, and the folder synced. The order is the one that SQLite and PostgreSQL rely on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace n2s {

/// The folder that holds `path`; "." where it names none.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// Throws Error when `path` cannot become an output: it exists and `overwrite` is false, it is a folder or a device,
/// its folder is missing or not writable. Call it before long work.
void check_output_path(const std::filesystem::path& path, bool overwrite);

class AtomicFile {
 public:
  /// Opens a temporary file in the folder of `path` (of its target, where `path` is a symbolic link).
  /// Throws Error as check_output_path does.
  explicit AtomicFile(const std::filesystem::path& path, bool overwrite = true);
  /// Removes the temporary file unless commit() has succeeded.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error on a full disk and the like.
  void write(std::span<const std::byte> bytes);
  /// Writes at `offset` bytes from the start, wherever write() has come to.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  /// For libraries that write by themselves: the open descriptor (read and write), or the temporary file's name.
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& temporary() const { return temporary_; }

  /// Syncs and renames onto the target. Throws Error; the target is then what it was before.
  void commit();

  /// Throws the Error for a failed write: "out.nii: cannot write: No space left on device; ...". `error` is an errno.
  [[noreturn]] void fail(int error) const;

 private:
  std::filesystem::path target_, temporary_;
  std::string name_;  // as the user gave it, for messages
  bool overwrite_ = true;
  int descriptor_ = -1;
};

/// The short form for content that is ready. Throws Error.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes, bool overwrite = true);

/// The same with a text.
void write_text_atomically(const std::filesystem::path& path, const std::string& text);

/// The same with another file's bytes, which are read into memory.
void copy_file_atomically(const std::filesystem::path& from, const std::filesystem::path& to, bool overwrite = true);

}  // namespace n2s
