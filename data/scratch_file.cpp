// See scratch_file.h.
#include "data/scratch_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "kernels/base/error.h"

namespace n2s {
namespace {

/// For file systems without O_TMPFILE: a name that is removed at once.
int open_and_unlink(const std::filesystem::path& folder) {
  std::string name = (folder / ".n2s-scratch-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor >= 0) ::unlink(name.c_str());
  return descriptor;
}

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& folder) : folder_(folder.string()) {
  descriptor_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor_ < 0) descriptor_ = open_and_unlink(folder);
  if (descriptor_ < 0) fail("cannot create a file for voxels", errno);
}

ScratchFile::~ScratchFile() {
  ::close(descriptor_);
}

std::uint64_t ScratchFile::reserve(std::uint64_t bytes) {
  const std::uint64_t begin = size_;
  const bool reserved =
      ::fallocate(descriptor_, 0, static_cast<off_t>(begin), static_cast<off_t>(bytes)) == 0 || bytes == 0;
  // Where the file system cannot reserve, a full disk is noticed when it is written.
  if (!reserved && errno != EOPNOTSUPP && errno != ENOSYS) fail("cannot keep the voxels there", errno);
  size_ += bytes;
  return begin;
}

void ScratchFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t begin = offset;
  const std::size_t length = bytes.size();
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot keep the voxels there", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  // To the disk at once, while more is being read: later it would compete with the training.
  ::sync_file_range(descriptor_, static_cast<off_t>(begin), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE);
}

void ScratchFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t done = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail("cannot read the voxels back", done < 0 ? errno : EIO);
    into = into.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void ScratchFile::expect(std::uint64_t offset, std::uint64_t bytes) const {
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

void ScratchFile::fail(const char* what, int error) const {
  throw Error(fmt::format("{}: {}: {}; give more --memory, or choose a folder on another disk", folder_, what,
                          std::strerror(error)));
}

}  // namespace n2s
