// Who has called a verb: the user of the command line, or a program through the library (library/n2s.h). A program gets
// notes and progress by its own functions instead of on standard error, and results as a text; it cancels the work
// where the user would press Ctrl-C, and no signal is caught.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace n2s {

struct ProgressReport {
  std::string stage, unit;  // "training", "steps"
  long done = 0, total = 0;
  std::string note;  // such as the current loss
};

/// A calling program. All functions may be empty, and are called from the thread that has called.
class Caller {
 public:
  std::function<void(const std::string& text)> on_note;
  std::function<void(const ProgressReport& progress)> on_progress;
  std::function<bool()> wants_to_cancel;
  std::string result;  // JSON

  void note(std::string text) const;
  /// Passes it on at most 20 times a second, but always the end of a stage.
  void progress(const ProgressReport& report);
  /// Asks at most 50 times a second.
  bool cancelled();

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point reported_, asked_;
  bool cancelled_ = false;
};

/// The caller of this thread's work; null: the command line.
Caller* caller();

/// Makes it the caller while it lives.
class CallerScope {
 public:
  explicit CallerScope(Caller& caller);
  ~CallerScope();
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;

 private:
  Caller* before_;
};

}  // namespace n2s
