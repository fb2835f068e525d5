// Ctrl-C, SIGTERM and SIGHUP (a closed terminal): the first one asks the work to save and stop, the second one ends the
// program at once.
#pragma once

#include <csignal>
#include <filesystem>

#include "data/image.h"

namespace n2s {

/// Catches the signals while it lives, unless a program has called (caller.h); SIGHUP not where it was ignored (nohup).
/// Guards may nest: what one has caught stays caught within the next.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  bool catches_;
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
  struct sigaction hang_up_before_ {};
};

/// write_image(), which the first signal lets end: it leaves no temporary file. Throws Error.
void write_uninterrupted(const std::filesystem::path& path, const Image& image, const WriteOptions& options);

/// Whether one of them has come since the last guard was set up that is not within another, or the calling program
/// cancels.
bool interrupted();

}  // namespace n2s
