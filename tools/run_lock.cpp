// The kernel releases the lock when the program ends, killed or not.
#include "tools/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "kernels/base/error.h"

namespace n2s {

RunLock::RunLock(const std::filesystem::path& folder) : folder_(folder) {
  std::error_code error;
  created_ = std::filesystem::create_directories(folder, error);
  if (error)
    throw Error(
        fmt::format("{}: the folder cannot be created: {}; choose another place", folder.string(), error.message()));
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ == -1 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw Error(fmt::format("{}: another n2s is training here; wait until it has ended, or choose another folder",
                          folder.string()));
}

RunLock::~RunLock() {
  std::error_code error;
  if (created_) std::filesystem::remove(folder_, error);  // removes nothing but an empty folder
  if (descriptor_ != -1) ::close(descriptor_);
}

}  // namespace n2s
