// Progress of long work on standard error: a bar with rate and time left on a terminal, a line every ten seconds
// elsewhere, nothing when quiet.
#pragma once

#include <chrono>
#include <string>

namespace n2s {

class Progress {
 public:
  Progress(std::string label, std::string unit, long total, bool quiet);
  /// `note` stands at the end of the line, e.g. the current loss.
  void update(long done, const std::string& note = {});
  void set_total(long total) { total_ = total; }
  /// Ends the line. Called by the destructor too.
  void finish();
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(long done, double seconds, const std::string& note) const;

  std::string label_, unit_;
  long total_;
  bool quiet_, terminal_;
  bool drawn_ = false;
  long last_done_ = -1;
  Clock::time_point start_, last_;
};

}  // namespace n2s
