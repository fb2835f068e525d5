// Opens and reads regular files, and checks sizes that headers claim.
#include "data/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "data/formats/zarr_array.h"
#include "kernels/base/error.h"

namespace n2s {

namespace {

/// Some images are folders.
const char* folder_advice(const std::filesystem::path& path) {
  const auto has = [&](const char* name) { return std::filesystem::exists(path / name); };
  if (has("DICOMDIR")) return "is a folder of DICOM files; convert them to NIfTI with dcm2niix";
  return "is a folder without images that can be read; name a file, or a folder with one for each plane";
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  // O_NONBLOCK: opening a pipe must not wait for a writer; it has no effect on regular files.
  const std::filesystem::path metadata = zarr_metadata_file(path);
  is_folder_ = !metadata.empty();
  const std::filesystem::path& opened = is_folder_ ? metadata : path;
  descriptor_ = ::open(opened.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw Error(fmt::format("{}: cannot open: {}", name_, std::strerror(errno)));
  struct stat status = {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  const char* problem = !known                     ? "cannot read its size"
                        : S_ISDIR(status.st_mode)  ? folder_advice(path)
                        : !S_ISREG(status.st_mode) ? "is not a regular file; copy the data to a file first"
                        : status.st_size == 0      ? "the file is empty; copy or download it again"
                                                   : nullptr;
  if (problem != nullptr) {
    ::close(descriptor_);
    throw Error(fmt::format("{}: {}", name_, problem));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

std::size_t InputFile::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size() && offset + done < size_) {
    const ssize_t got = ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(fmt::format("{}: cannot read: {}", name_, std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

bool InputFile::has(std::string_view bytes, std::uint64_t offset) const {
  std::string found(bytes.size(), '\0');
  return read_at(offset, std::as_writable_bytes(std::span(found))) == bytes.size() && found == bytes;
}

bool InputFile::has_any(std::initializer_list<std::string_view> starts) const {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view bytes) { return has(bytes); });
}

void fail_ends_early(const std::string& name, std::uint64_t have, std::uint64_t need, const char* what) {
  throw Error(
      fmt::format("{}: the file ends early ({} of {} bytes of {}); copy or download it again", name, have, need, what));
}

void check_expansion(const std::string& name, std::uint64_t stored, std::uint64_t decoded,
                     std::uint64_t largest_ratio) {
  constexpr std::uint64_t kAlwaysFine = std::uint64_t{64} << 20;
  if (decoded > kAlwaysFine && decoded / largest_ratio > stored)
    throw Error(fmt::format("{}: its header asks for {} bytes of samples, but the file holds {}; it is damaged", name,
                            decoded, stored));
}

void check_memory(const std::string& name, std::uint64_t bytes) {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return;
  const std::uint64_t memory = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  if (bytes > memory)
    throw Error(fmt::format("{}: needs {:.1f} GB, this machine has {:.1f}; cut it into smaller files", name,
                            static_cast<double>(bytes) / 1e9, static_cast<double>(memory) / 1e9));
}

}  // namespace n2s
