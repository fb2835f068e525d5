// Percentiles come from the device where it can; everything else is done on the host.
#include "tools/stack_levels.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/inference/normalisation.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

/// Lines for this many stacks, then only where voxels were replaced.
constexpr std::size_t kDescribed = 5;

/// Fits one map to some of the stacks.
void fit(std::vector<SeenStack>& seen, std::vector<std::size_t> which, const std::string& kind, const std::string& name,
         const OrderStatistics& find) {
  std::vector<Stack*> stacks;
  stacks.reserve(which.size());
  for (const std::size_t i : which) stacks.push_back(&seen[i].stack);
  std::vector<ExtremeValues> replaced;
  try {
    const Normalisation fitted = fit_levels(stacks, kind, replaced, find);
    for (std::size_t i = 0; i < which.size(); ++i) {
      seen[which[i]].normalisation = fitted;
      seen[which[i]].replaced = std::move(replaced[i]);
    }
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", name, error.what()));
  }
}

bool is_constant(const Stack& stack) {
  const float first = stack.voxels.front();
  return std::all_of(stack.voxels.begin(), stack.voxels.end(), [&](float v) { return v == first; });
}

/// Each stack its own map.
void fit_each(std::vector<SeenStack>& seen, const std::vector<NamedStack>& names, const std::string& kind,
              const CommonOptions& common, const OrderStatistics& find) {
  std::vector<const Stack*> all;
  std::vector<std::size_t> constant;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    all.push_back(&seen[i].stack);
    if (is_constant(seen[i].stack)) constant.push_back(i);
  }
  if (constant.size() == seen.size()) constant.clear();  // the error is that of a stack alone
  for (std::size_t i = 0; i < seen.size(); ++i)
    if (!std::binary_search(constant.begin(), constant.end(), i)) fit(seen, {i}, kind, names[i].name, find);
  if (constant.empty()) return;
  const Normalisation together = fit_normalisation(all, robust_options(kind), find);
  for (const std::size_t i : constant) {
    say(common, "{}: every voxel is {:g}; the levels of all stacks together are used", names[i].name,
        seen[i].stack.voxels.front());
    seen[i].normalisation = together;
    seen[i].replaced = replace_extremes(seen[i].stack, together, find);
  }
}

}  // namespace

bool is_worth_a_line(std::size_t i, const SeenStack& seen) {
  const ExtremeValues& replaced = seen.replaced;
  return i < kDescribed || replaced.isolated > 0 || replaced.limited > 0 || replaced.not_finite > 0;
}

void describe_stack(const std::string& name, const SeenStack& seen, const CommonOptions& common) {
  const std::size_t voxels = static_cast<std::size_t>(seen.stack.planes) * static_cast<std::size_t>(seen.stack.height) *
                             static_cast<std::size_t>(seen.stack.width);
  say(common, "{}: levels: {}", name, describe_levels(seen.normalisation, seen.replaced, voxels));
}

LevelsFrom levels_from(const std::string& name) {
  if (name == "shared") return LevelsFrom::shared;
  return name == "model" ? LevelsFrom::model : LevelsFrom::stack;
}

std::vector<SeenStack> see_stacks(std::vector<NamedStack> stacks, const std::string& kind, LevelsFrom from,
                                  const Device& device, const CommonOptions& common) {
  std::vector<SeenStack> seen;
  std::vector<std::size_t> all;
  for (NamedStack& stack : stacks) {
    all.push_back(seen.size());
    seen.push_back({std::move(stack.stack), {}, {}});
  }
  std::string why_host;
  const OrderStatistics find = order_statistics_on(*device.inference, why_host);
  if (from == LevelsFrom::shared && !all.empty())
    fit(seen, all, kind, fmt::format("{} and {} more", stacks.front().name, stacks.size() - 1), find);
  else
    fit_each(seen, stacks, kind, common, find);
  for (const std::size_t i : all)
    if (is_worth_a_line(i, seen[i])) describe_stack(stacks[i].name, seen[i], common);
  if (!why_host.empty()) say(common, "percentiles: computed on the CPU: {}", why_host);
  return seen;
}

SeenStack see_stack(NamedStack stack, const Normalisation& given, const Device& device, const CommonOptions& common) {
  SeenStack seen{std::move(stack.stack), given, {}};
  std::string why_host;
  try {
    seen.replaced = replace_extremes(seen.stack, given, order_statistics_on(*device.inference, why_host));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", stack.name, error.what()));
  }
  describe_stack(stack.name, seen, common);
  return seen;
}

void warn_of_unlike_data(const std::string& name, const std::string& line) {
  warn("{}: {}; check the result, or train on data like this", name, line);
}

std::vector<std::string> compare_with_training(const std::string& name, const std::optional<StackTraits>& trained,
                                               const SeenStack& seen) {
  if (!trained) return {};
  Stack sample = sample_pairs(seen.stack);
  apply_normalisation(seen.normalisation, sample.voxels);
  std::vector<std::string> warnings = unlike(*trained, stack_traits(sample));
  for (const std::string& line : warnings) warn_of_unlike_data(name, line);
  return warnings;
}

nlohmann::json levels_json(const SeenStack& seen) {
  nlohmann::json json{{"normalisation", seen.normalisation},
                      {"hot_pixels", seen.replaced.isolated},
                      {"extreme_voxels", seen.replaced.limited},
                      {"not_finite_voxels", seen.replaced.not_finite}};
  if (seen.normalisation.background) json["background"] = *seen.normalisation.background;
  return json;
}

}  // namespace n2s
