// Writes a file under a temporary name and renames it when it is complete.
#include "data/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "data/atomic_folder.h"
#include "data/formats/zarr_array.h"
#include "data/input_file.h"
#include "data/lent_arrays.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

// A rename replaces a symbolic link itself; users who put one there mean the file behind it.
fs::path behind_links(const fs::path& path) {
  std::error_code error;
  fs::path target = path;
  for (int hops = 0; hops < 40 && fs::is_symlink(target, error); ++hops) {
    const fs::path next = fs::read_symlink(target, error);
    target = next.is_absolute() ? next : folder_of(target) / next;
  }
  return target;
}

void sync_folder(const fs::path& folder) {
  // Not every file system can sync a folder; the data itself is already on disk, so a failure here loses nothing.
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// Renames without replacing. Returns 0 or an errno; falls back to a check where the file system has no such call.
int rename_if_absent(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return errno;
  struct stat status = {};
  if (::lstat(to.c_str(), &status) == 0) return EEXIST;
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

[[noreturn]] void fail_exists(const std::string& name) {
  throw Error(fmt::format("{}: exists already; choose another name or overwrite it with --force", name));
}

/// A folder is replaced by one of its kind alone.
void check_old_folder(const fs::path& path, bool overwrite) {
  if (!is_folder_output(path)) throw Error(fmt::format("{}: is a folder; name a file in it", path.string()));
  if (!overwrite) fail_exists(path.string());
  if (!is_zarr_folder(path) && !fs::is_empty(path))
    throw Error(fmt::format("{}: is a folder of other things than an image; choose another name", path.string()));
}

}  // namespace

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void check_output_path(const fs::path& path, bool overwrite) {
  if (lent_array(path) != nullptr) return;
  const std::string name = path.string();
  if (!path.has_filename() && !is_folder_output(path))
    throw Error(fmt::format("'{}': an output needs a file name", name));
  const fs::path target = behind_links(path);
  struct stat status = {};
  if (::stat(target.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return check_old_folder(path, overwrite);
    if (is_folder_output(path))
      throw Error(fmt::format("{}: is a file, and the output is a folder; choose another name", name));
    if (!S_ISREG(status.st_mode)) throw Error(fmt::format("{}: is not a regular file; choose another name", name));
    if (!overwrite) fail_exists(name);
  }
  const fs::path folder = folder_of(target);
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    throw Error(fmt::format("{}: there is no folder '{}'; create it first", name, folder.string()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(fmt::format("{}: cannot write to the folder '{}': {}", name, folder.string(), std::strerror(errno)));
}

AtomicFile::AtomicFile(const fs::path& path, bool overwrite)
    : target_(behind_links(path)), name_(path.string()), overwrite_(overwrite) {
  check_output_path(path, overwrite);
  static std::atomic<unsigned> counter = 0;
  // The target's name may already be as long as names can be (255 bytes).
  const std::string stem = target_.filename().string().substr(0, 200);
  for (int attempt = 0; attempt < 1000 && descriptor_ < 0; ++attempt) {
    temporary_ = folder_of(target_) / fmt::format(".{}.{}-{}.tmp", stem, ::getpid(), counter++);
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) fail(errno);
  struct stat status = {};
  if (::stat(target_.c_str(), &status) == 0 && ::fchmod(descriptor_, status.st_mode & 07777) != 0) {
    // Another owner's file: the new one keeps this user's own permissions.
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail(errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(errno);  // network file systems report a full disk here
  if (overwrite_ && std::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  if (const int error = overwrite_ ? 0 : rename_if_absent(temporary_, target_); error != 0) {
    if (error == EEXIST) fail_exists(name_);
    fail(error);
  }
  temporary_.clear();
  sync_folder(folder_of(target_));
}

void AtomicFile::fail(int error) const {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error(fmt::format("{}: cannot write: {}{}; nothing was changed", name_, std::strerror(error),
                          full ? "; free some space or choose another disk" : ""));
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes, bool overwrite) {
  AtomicFile file(path, overwrite);
  file.write(bytes);
  file.commit();
}

void write_text_atomically(const fs::path& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span(text)));
}

void copy_file_atomically(const fs::path& from, const fs::path& to, bool overwrite) {
  const InputFile file(from);
  std::vector<std::byte> bytes(file.size());
  file.read_at(0, bytes);
  write_file_atomically(to, bytes, overwrite);
}

}  // namespace n2s
