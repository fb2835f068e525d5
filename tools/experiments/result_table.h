// The results of an experiment as the paper's Table 1, and plane by plane for other programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/system_result.h"
#include "tools/experiments/systems.h"

namespace n2s {

/// Means over all test planes and seeds.
struct TableRow {
  const System* system = nullptr;
  int seeds = 0;
  std::size_t planes = 0;  // of one seed
  Figures mean;
  std::optional<Figures> post;                    // after k-space data consistency
  double psnr_of_seeds = 0;                       // standard deviation of the seeds' means, dB; 0 for one seed
  double train_seconds = 0, restore_seconds = 0;  // means over seeds
};

/// In the order of systems(); without those that failed, or measured nothing.
std::vector<TableRow> table_of(const std::string& experiment, const std::vector<SystemResult>& results);

/// The downstream check: means over all test planes and seeds.
struct ObjectsRow {
  const System* system = nullptr;
  double dice = 0;     // with the masks of the truth
  double objects = 0;  // in a plane
};
std::vector<ObjectsRow> objects_of(const std::string& experiment, const std::vector<SystemResult>& results);
std::string objects_text(const std::vector<ObjectsRow>& rows);
nlohmann::json objects_json(const std::vector<ObjectsRow>& rows);

/// For a terminal, with the published figures beside.
std::string table_text(const std::vector<TableRow>& rows);
/// One line for each row, and one for each plane: comma-separated values with a heading.
std::string table_csv(const std::vector<TableRow>& rows);
std::string planes_csv(const std::vector<SystemResult>& results);
nlohmann::json table_json(const std::vector<TableRow>& rows);

}  // namespace n2s
