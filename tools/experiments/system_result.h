// What one system of an experiment achieved with one seed, as it is stored in result.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/metrics.h"

namespace n2s {

struct SystemResult {
  /// Of the segmentation of a plane (downstream.h).
  struct Objects {
    double dice = 0;  // with the masks of the truth
    int count = 0;
  };
  /// Of one test stack.
  struct OfStack {
    std::string name;
    std::vector<PlaneMetrics> planes;
    std::vector<PlaneMetrics> post{};  // after k-space data consistency; empty: there is none
    std::vector<Objects> objects{};    // empty: nothing was segmented
  };
  std::string system;
  std::uint64_t seed = 0;
  long steps = 0;  // of training
  double train_seconds = 0, restore_seconds = 0;
  std::string how;  // the figures were made
  std::vector<OfStack> stacks;
  std::string error;  // it failed; empty: it has not
};

/// Replaces the file. Throws Error.
void save_result(const std::filesystem::path& file, const SystemResult& result);

/// Nothing where the file is missing or of another version.
std::optional<SystemResult> load_result(const std::filesystem::path& file);

}  // namespace n2s
