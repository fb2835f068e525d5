// Draws the progress bar, or prints a line every ten seconds.
#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "tools/caller.h"
#include "tools/standard_streams.h"

namespace n2s {
namespace {

constexpr double kBarEvery = 0.1;    // seconds
constexpr double kLineEvery = 10.0;  // seconds
constexpr int kBarWidth = 24;        // characters

std::string minutes(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string label, std::string unit, long total, bool quiet)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_(start_) {}

void Progress::update(long done, const std::string& note) {
  if (Caller* program = caller()) return program->progress({label_, unit_, done, total_, note});
  if (quiet_) return;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  const bool end = done >= total_ && done != last_done_;
  if (!end && since < (terminal_ ? kBarEvery : kLineEvery)) return;
  last_ = now;
  last_done_ = done;
  draw(done, std::chrono::duration<double>(now - start_).count(), note);
  drawn_ = true;
}

void Progress::draw(long done, double seconds, const std::string& note) const {
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(std::max(1L, total_)), 0.0, 1.0);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(std::max(0L, total_ - done)) / rate : 0;
  const std::string numbers = fmt::format("{}/{} {}  {:.3g}/s  {} left{}{}", done, total_, unit_, rate, minutes(left),
                                          note.empty() ? "" : "  ", note);
  if (!terminal_) {
    print_note(fmt::format("{}: {}\n", label_, numbers));
    return;
  }
  const int filled = static_cast<int>(share * kBarWidth);
  print_note(fmt::format("\r{} [{:#<{}}{:.<{}}] {}\x1b[K", label_, "", filled, "", kBarWidth - filled, numbers));
}

void Progress::finish() {
  if (drawn_ && terminal_) print_note("\n");
  drawn_ = false;
}

}  // namespace n2s
