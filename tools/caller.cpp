// See caller.h.
#include "tools/caller.h"

namespace n2s {
namespace {

constexpr std::chrono::milliseconds kReportEvery{50};
constexpr std::chrono::milliseconds kAskEvery{20};

Caller*& current_caller() {
  thread_local Caller* current = nullptr;
  return current;
}

}  // namespace

void Caller::note(std::string text) const {
  while (text.ends_with('\n')) text.pop_back();
  if (on_note && !text.empty()) on_note(text);
}

void Caller::progress(const ProgressReport& report) {
  const auto now = Clock::now();
  if (!on_progress || (report.done < report.total && now - reported_ < kReportEvery)) return;
  reported_ = now;
  on_progress(report);
}

bool Caller::cancelled() {
  const auto now = Clock::now();
  if (cancelled_ || !wants_to_cancel || now - asked_ < kAskEvery) return cancelled_;
  asked_ = now;
  cancelled_ = wants_to_cancel();
  return cancelled_;
}

Caller* caller() {
  return current_caller();
}

CallerScope::CallerScope(Caller& caller) : before_(current_caller()) {
  current_caller() = &caller;
}

CallerScope::~CallerScope() {
  current_caller() = before_;
}

}  // namespace n2s
