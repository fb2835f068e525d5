// See atomic_folder.h.
#include "data/atomic_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "data/atomic_file.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

/// "out.zarr/" is "out.zarr".
fs::path without_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

fs::path behind_link(const fs::path& path) {
  std::error_code missing;
  return fs::is_symlink(path, missing) ? fs::weakly_canonical(path, missing) : path;
}

/// Exchanges the two, or moves `from` where there is no `to`. Returns 0 or an errno. Where the file system cannot
/// exchange, there is no folder of that name for a moment.
int put_in_place(const fs::path& from, const fs::path& to, bool exists) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), exists ? RENAME_EXCHANGE : RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return errno;
  if (!exists) return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
  const fs::path aside = from.string() + ".old";
  if (std::rename(to.c_str(), aside.c_str()) != 0) return errno;
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    const int error = errno;
    std::rename(aside.c_str(), to.c_str());
    return error;
  }
  return std::rename(aside.c_str(), from.c_str()) == 0 ? 0 : errno;
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path, bool overwrite)
    : target_(behind_link(without_slash(path))), overwrite_(overwrite) {
  check_output_path(path, overwrite);
  static std::atomic<unsigned> counter = 0;
  temporary_ = folder_of(target_) /
               fmt::format(".{}.{}-{}.tmp", target_.filename().string().substr(0, 200), ::getpid(), counter++);
  std::error_code error;
  if (!fs::create_directory(temporary_, error)) fail(error ? error.value() : EEXIST);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::write(const std::string& name, std::span<const std::byte> bytes) const {
  const fs::path path = temporary_ / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) fail(error.value());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(errno);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int failure = errno;
      ::close(descriptor);
      fail(failure);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::close(descriptor) != 0) fail(errno);
}

void AtomicFolder::write(const std::string& name, const std::string& text) const {
  write(name, std::as_bytes(std::span(text)));
}

void AtomicFolder::commit() {
  // The files are many: the file system as a whole is synced, once.
  const int descriptor = ::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(errno);
  const int synced = ::syncfs(descriptor);
  const int failure = errno;
  ::close(descriptor);
  if (synced != 0) fail(failure);
  std::error_code unreadable;
  const bool exists = fs::exists(fs::symlink_status(target_, unreadable));
  if (exists && !overwrite_) fail(EEXIST);
  if (const int error = put_in_place(temporary_, target_, exists); error != 0) fail(error);
  std::error_code ignored;
  if (exists) fs::remove_all(temporary_, ignored);  // the old one
  temporary_.clear();
}

void AtomicFolder::fail(int error) const {
  throw Error(fmt::format("{}: cannot write: {}; nothing was changed", target_.string(), std::strerror(error)));
}

bool is_folder_output(const fs::path& path) {
  return without_slash(path).extension() == ".zarr";
}

}  // namespace n2s
