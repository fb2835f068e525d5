// Keeps a second program out of a run's folder while the first one writes there.
#pragma once

#include <filesystem>

namespace n2s {

/// Holds the lock of a folder (flock on the folder itself, so that no file is left behind, however the program ends).
class RunLock {
 public:
  /// Creates the folder where there is none. Throws Error where another program holds the lock. File systems that know
  /// no locks are used without.
  explicit RunLock(const std::filesystem::path& folder);
  /// Removes a folder that the constructor has created and that is still empty.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path folder_;
  bool created_ = false;
  int descriptor_ = -1;
};

}  // namespace n2s
