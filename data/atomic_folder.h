// A folder that is either the old one, whole, or the new one, whole: AtomicFile's (atomic_file.h) for images that are
// folders.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace n2s {

class AtomicFolder {
 public:
  /// Begins a temporary folder beside `path`. Throws Error as check_output_path does.
  AtomicFolder(const std::filesystem::path& path, bool overwrite);
  /// Removes the temporary folder unless commit() has succeeded.
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  /// A file in it, with the folders that it needs. Calls may run at the same time. Throws Error: a full disk and the
  /// like.
  void write(const std::string& name, std::span<const std::byte> bytes) const;
  void write(const std::string& name, const std::string& text) const;

  /// Syncs and renames; an old folder is removed after that. Throws Error; the target is then what it was before.
  void commit();

 private:
  [[noreturn]] void fail(int error) const;

  std::filesystem::path target_, temporary_;
  bool overwrite_;
};

/// Whether an output of this name is a folder.
bool is_folder_output(const std::filesystem::path& path);

}  // namespace n2s
