// See stored_experiment.h.
#include "tools/experiments/stored_experiment.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/experiments/systems.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_damaged(const fs::path& folder) {
  throw Error(fmt::format("{}: damaged; choose another folder", (folder / "experiment.json").string()));
}

}  // namespace

nlohmann::json experiment_settings(const fs::path& folder) {
  std::ifstream stream(folder / "experiment.json");
  if (!stream) return nullptr;
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  try {
    return parse_json(text);
  } catch (const nlohmann::json::exception&) {
    refuse_damaged(folder);
  }
}

StoredExperiment load_experiment(const fs::path& folder) {
  constexpr int kMostSeeds = 100;
  const nlohmann::json settings = experiment_settings(folder);
  if (settings.is_null()) throw Error(fmt::format("{}: holds no experiment of n2s reproduce", folder.string()));
  StoredExperiment stored;
  try {
    settings.at("experiment").get_to(stored.experiment);
    settings.at("data").get_to(stored.data);
    settings.at("scale").get_to(stored.scale);
  } catch (const nlohmann::json::exception&) {
    refuse_damaged(folder);
  }
  for (const System& system : systems(stored.experiment))
    for (int seed = 1; seed <= kMostSeeds; ++seed)
      if (auto result = load_result(folder / fmt::format("{}-seed{}", system.name, seed) / "result.json"))
        stored.results.push_back(std::move(*result));
  if (stored.results.empty())
    throw Error(fmt::format("{}: no part of the experiment has ended yet; run n2s reproduce", folder.string()));
  return stored;
}

}  // namespace n2s
