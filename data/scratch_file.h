// A file without a name, as memory on a disk: it is gone with the process, however that ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace n2s {

class ScratchFile {
 public:
  /// In this folder. Throws Error.
  explicit ScratchFile(const std::filesystem::path& folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// Makes the file longer by so many bytes and returns where they begin. Throws Error where the disk has no room.
  std::uint64_t reserve(std::uint64_t bytes);

  /// Both within what was reserved. Calls may run at the same time. Throw Error.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void read_at(std::uint64_t offset, std::span<std::byte> into) const;

  /// Asks the system to have these bytes ready soon; does not wait.
  void expect(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::string folder_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace n2s
