// What the shell and the C library leave to the program.
#include "tools/standard_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "kernels/base/error.h"
#include "tools/caller.h"

namespace n2s {

void prepare_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a full quota is then an error of the write call
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) {
      // open() takes the lowest number that is free. Output can only be read from: writing to it fails, as it should.
      const int opened = ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
      if (opened != stream && opened != -1) ::close(opened);
    }
}

void print_note(const std::string& text) {
  if (const Caller* program = caller()) return program->note(text);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void check_results_written() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  const int reason = errno;
  if (std::cout.good() && flushed && std::ferror(stdout) == 0) return;
  throw Error(fmt::format("standard output: the result could not be written{}{}", reason != 0 ? ": " : "",
                          reason != 0 ? std::strerror(reason) : ""));
}

}  // namespace n2s
