// Signal handlers that only set a flag.
#include "tools/interrupt.h"

#include "tools/caller.h"

namespace n2s {
namespace {

// A signal handler can reach nothing else: the one global of the program.
volatile std::sig_atomic_t caught = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void handle(int signal) {
  if (caught != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  caught = 1;
}

}  // namespace

InterruptGuard::InterruptGuard() : catches_(caller() == nullptr) {
  if (!catches_) return;
  struct sigaction action {};
  sigaction(SIGINT, nullptr, &action);
  if (action.sa_handler != handle) caught = 0;  // else this is a guard within another one, which may have caught one
  action = {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART | SA_NODEFER;
  sigaction(SIGINT, &action, &interrupt_before_);
  sigaction(SIGTERM, &action, &terminate_before_);
  sigaction(SIGHUP, &action, &hang_up_before_);
  if (hang_up_before_.sa_handler == SIG_IGN) sigaction(SIGHUP, &hang_up_before_, nullptr);
}

InterruptGuard::~InterruptGuard() {
  if (!catches_) return;
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigaction(SIGHUP, &hang_up_before_, nullptr);
}

void write_uninterrupted(const std::filesystem::path& path, const Image& image, const WriteOptions& options) {
  const InterruptGuard guard;
  write_image(path, image, options);
}

bool interrupted() {
  if (Caller* program = caller()) return program->cancelled();
  return caught != 0;
}

}  // namespace n2s
