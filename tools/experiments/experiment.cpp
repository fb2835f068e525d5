// See experiment.h.
#include "tools/experiments/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/experiments/stored_experiment.h"
#include "tools/experiments/test_stacks.h"
#include "tools/interrupt.h"
#include "tools/report/example_planes.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A system with a seed.
struct ExperimentPart {
  const System* system = nullptr;
  std::uint64_t seed = 0;
  fs::path folder;
  double seconds = 0;  // estimated
  std::optional<SystemResult> result;
};

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} seconds", seconds);
  if (seconds < 90 * 60) return fmt::format("{:.0f} minutes", seconds / 60);
  return fmt::format("{:.1f} hours", seconds / 3600);
}

bool can_run(const StoredDataSet& data, const System& system) {
  return data.has_copy(std::string(system.copy)) &&
         (system.target.empty() || data.has_copy(std::string(system.target)));
}

bool has_objects(const SystemResult& result) {
  return std::any_of(result.stacks.begin(), result.stacks.end(),
                     [](const auto& stack) { return !stack.objects.empty(); });
}

/// Results from before the downstream check was asked for are made again; the networks are there.
void redo_without_objects(const ExperimentOptions& options, std::vector<ExperimentPart>& parts) {
  const bool is_asked_for =
      !options.segmentation.empty() || std::any_of(parts.begin(), parts.end(), [](const ExperimentPart& part) {
        return part.system->work == Work::segmentation;
      });
  for (ExperimentPart& part : parts)
    if (is_asked_for && is_segmented(*part.system) && part.result && !has_objects(*part.result)) part.result.reset();
}

/// What learns nothing does not depend on the seed.
std::vector<ExperimentPart> parts_of(const ExperimentContext& context, const ExperimentOptions& options,
                                     const fs::path& folder) {
  std::vector<ExperimentPart> parts;
  for (int seed = 1; seed <= options.seeds; ++seed)
    for (const System* system : chosen_systems(context.data.kind, options.methods)) {
      if (system->work != Work::network && seed > 1) continue;
      if (system->work == Work::segmentation && !options.segmentation.empty()) continue;
      if (!can_run(context.data, *system)) {
        if (seed == 1)
          say(context.common, "{}: left out; the data set has no {} images", system->title,
              context.data.has_copy(std::string(system->copy)) ? system->target : system->copy);
        continue;
      }
      ExperimentPart part{system, static_cast<std::uint64_t>(seed), {}, 0, std::nullopt};
      part.folder = folder / fmt::format("{}-seed{}", system->name, seed);
      part.result = load_result(part.folder / "result.json");
      if (part.result && !part.result->error.empty()) part.result.reset();  // it is tried again
      parts.push_back(std::move(part));
    }
  redo_without_objects(options, parts);
  return parts;
}

/// "1+4-seed2", and no folder of the user's own.
bool is_part_folder(const std::string& experiment, const std::string& name) {
  constexpr std::string_view kSeed = "-seed";
  const std::size_t at = name.rfind(kSeed);
  if (at == std::string::npos || at + kSeed.size() == name.size()) return false;
  const std::span<const System> all = systems(experiment);
  return name.find_first_not_of("0123456789", at + kSeed.size()) == std::string::npos &&
         std::any_of(all.begin(), all.end(), [&](const System& system) { return system.name == name.substr(0, at); });
}

void remove_experiment(const fs::path& folder) {
  std::vector<fs::path> old;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    for (const char* experiment : {"mri", "microscopy"})
      if (entry.is_directory() && is_part_folder(experiment, entry.path().filename().string()))
        old.push_back(entry.path());
  for (const fs::path& part : old) fs::remove_all(part);
  fs::remove(folder / "experiment.json");
}

/// The data set by its size, too: it may have been prepared anew.
nlohmann::json settings_of(const ExperimentContext& context, const ExperimentOptions& options) {
  return {{"format", 1},
          {"experiment", context.data.kind},
          {"data", fs::absolute(context.data.file).lexically_normal().string()},
          {"data_bytes", fs::file_size(context.data.file)},
          {"segmentation", options.segmentation.string()},
          {"scale", context.scale.name}};
}

/// Parts with other settings must not be mixed.
void check_settings(const ExperimentContext& context, const ExperimentOptions& options, const fs::path& folder) {
  const nlohmann::json settings = settings_of(context, options);
  if (const nlohmann::json before = experiment_settings(folder); !before.is_null()) {
    if (before != settings)
      throw Error(fmt::format(
          "{}: holds an experiment with other settings ({}); choose another folder, or replace it with --force",
          folder.string(), json_text(before)));
    return;
  }
  const std::string text = json_text(settings);
  write_file_atomically(folder / "experiment.json", std::as_bytes(std::span(text)));
}

void estimate(const ExperimentContext& context, const fs::path& folder, std::vector<ExperimentPart>& parts) {
  for (ExperimentPart& part : parts) {
    if (part.result) continue;
    for (const ExperimentPart& other : parts)  // of another seed
      if (other.system == part.system && other.seconds > 0) part.seconds = other.seconds;
    try {
      if (part.seconds == 0) part.seconds = estimated_seconds(context, *part.system, folder);
    } catch (const Error&) {
      part.seconds = 1;  // its run will say why
    }
  }
}

double left(const std::vector<ExperimentPart>& parts) {
  double seconds = 0;
  for (const ExperimentPart& part : parts)
    if (!part.result) seconds += part.seconds;
  return seconds;
}

void announce(const ExperimentContext& context, const std::vector<ExperimentPart>& parts) {
  long open = 0;
  for (const ExperimentPart& part : parts) open += part.result ? 0 : 1;
  say(context.common, "{} experiment, scale {}: {} of {} parts to do, about {} on this machine", context.data.kind,
      context.scale.name, open, parts.size(), duration(left(parts)));
  for (const ExperimentPart& part : parts)
    say(context.common, "  {:<44} seed {}  {}", part.system->title, part.seed,
        part.result ? "done" : "about " + duration(part.seconds));
}

/// The model of the downstream check: the one that was given, or the one that was trained.
fs::path segmentation_model(const ExperimentOptions& options, const std::vector<ExperimentPart>& parts) {
  if (!options.segmentation.empty()) return options.segmentation;
  for (const ExperimentPart& part : parts)
    if (part.system->work == Work::segmentation && part.result && part.result->error.empty()) return part.folder;
  return {};
}

void run(const ExperimentContext& context, ExperimentPart& part) {
  try {
    part.result = run_system(context, *part.system, part.seed, part.folder);
  } catch (const Error& error) {
    if (interrupted()) throw;
    part.result = SystemResult{};
    part.result->system = part.system->name;
    part.result->seed = part.seed;
    part.result->error = error.what();
    warn("{}, seed {}: {}", part.system->title, part.seed, error.what());
  }
  save_result(part.folder / "result.json", *part.result);
}

/// What the pictures show beside the systems.
void write_truth(const ExperimentContext& context, const fs::path& folder) {
  const TestStack test = load_test_stack(context.data, systems(context.data.kind).front(), 0, context.pool);
  if (test.truth) write_example(folder / "truth.tif", example_planes(*test.truth));
}

}  // namespace

std::vector<SystemResult> run_experiment(const ExperimentContext& context, const ExperimentOptions& options,
                                         const fs::path& folder) {
  if (context.data.of(Part::train).empty() || context.data.of(Part::test).empty())
    throw Error(fmt::format("{}: no stacks to train on, or none to test with", context.data.file.string()));
  if (options.replace) remove_experiment(folder);
  std::vector<ExperimentPart> parts = parts_of(context, options, folder);
  check_settings(context, options, folder);
  const InterruptGuard guard;
  estimate(context, folder, parts);
  announce(context, parts);
  write_truth(context, folder);
  double correction = 1;  // what the estimates have been wrong by
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ExperimentPart& part = parts[i];
    if (part.result) continue;
    if (interrupted()) throw Error("interrupted; the same command again continues");
    say(context.common, "part {} of {}: {}, seed {}; about {} left", i + 1, parts.size(), part.system->title, part.seed,
        duration(correction * left(parts)));
    const auto before = Clock::now();
    ExperimentContext with_model = context;
    with_model.segmentation = segmentation_model(options, parts);
    run(with_model, part);
    const double taken = std::chrono::duration<double>(Clock::now() - before).count();
    if (part.seconds > 5) correction = (correction + taken / part.seconds) / 2;
  }
  std::vector<SystemResult> results;
  results.reserve(parts.size());
  for (const ExperimentPart& part : parts) results.push_back(*part.result);
  return results;
}

}  // namespace n2s
