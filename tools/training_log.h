// The log of a training run: JSON lines on disk, and a plot of the curves.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace n2s {

struct TrainingRecord {
  long step = 0;
  double loss = 0;  // mean since the record before
  double learning_rate = 0;
  std::optional<double> validation;
  double seconds = 0;  // since the run began or was resumed
};

class TrainingLog {
 public:
  explicit TrainingLog(std::filesystem::path path) : path_(std::move(path)) {}

  void clear() { records_.clear(); }
  /// A second record of the same step replaces the first one.
  void add(const TrainingRecord& record);

  /// Reads the records of an interrupted run, up to `last_step` or the first damaged line.
  void load(long last_step);
  void save() const;

  /// Loss and validation curves as a PNG.
  void draw(const std::filesystem::path& picture) const;

  const std::vector<TrainingRecord>& records() const { return records_; }

 private:
  std::filesystem::path path_;
  std::vector<TrainingRecord> records_;
};

}  // namespace n2s
